"""The parts of tools/soak.py: what is to happen, the processes to which it happens, and what is made of it."""
