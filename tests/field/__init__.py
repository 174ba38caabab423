"""Failures of caches in the field, each as a test that alicred passes and a small cache that makes the mistake does not."""
