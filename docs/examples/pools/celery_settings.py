"""Settings for Celery: files in a directory stand for the broker, which is enough to try it on one machine."""

import os

folder = os.environ["JOBS_FOLDER"]
broker_url = "filesystem://"
broker_transport_options = {
    "data_folder_in": f"{folder}/queue",
    "data_folder_out": f"{folder}/queue",
    "control_folder": f"{folder}/control",
    "polling_interval": 0.05,
}
result_backend = f"file://{folder}/results"
worker_prefetch_multiplier = 1
