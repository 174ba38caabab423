"""The files that hold named profiles: found, parsed, chosen from, and turned into sources. The classes are in `alicred.sources`."""
