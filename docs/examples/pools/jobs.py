"""Jobs for Celery's prefork pool: ``celery --app jobs worker --concurrency 3``."""

from celery import Celery
from one_provider import call, provider

app = Celery("jobs")
app.config_from_object("celery_settings")

provider.get()  # not needed; with it, the workers start with the parent's value and fetch nothing


@app.task(acks_late=True, reject_on_worker_lost=True)  # a job whose worker was killed is given to another one
def identify() -> dict[str, object]:
    """One job."""
    return call()
