"""``make bench``: what the library costs, compared with the unavoidable minimum."""
