"""Settings for gunicorn."""

workers = 3
preload_app = True  # the master imports the application once, and every worker is a fork of it
