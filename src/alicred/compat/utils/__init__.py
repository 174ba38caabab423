"""Names for what stands in configurations and in the environment."""
