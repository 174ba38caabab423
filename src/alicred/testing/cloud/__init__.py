"""The fake cloud: a server on the loopback interface that verifies signatures."""
