"""Everything that talks to a service: HTTP, signatures, and a client for each service."""
