"""``make bench``: what the library costs, against what nobody could do without."""
