"""Credentials for programs on this machine, in any language, over HTTP. Not public yet: ``alicred exec --refresh`` uses it."""
