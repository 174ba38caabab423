"""The profile file, an INI file: its grammar, its sections and the provider that reads them."""
