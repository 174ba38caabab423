"""The configuration file of the `aliyun` command line tool: its profiles, its modes and the provider that reads them."""
