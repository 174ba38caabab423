"""Subclasses of the clients' own classes. Each module imports its client, so it is loaded only when its adapter is called."""
