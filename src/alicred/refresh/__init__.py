"""The refresh engine: the decision (pure), the flight, and the cache that is their thin shell."""
