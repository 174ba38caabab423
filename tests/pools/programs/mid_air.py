"""web.py, with a refresh that is in mid-air when the workers are forked."""

import os
import threading
import time
from datetime import timedelta

import web
from one_provider import provider

at_fork: list[str] = []
os.register_at_fork(before=lambda: at_fork.append(f"{provider.state().attempts} begun, {provider.state().refreshes} done"))
application = web.application

# Longer than any session lasts: a refresh begins at once, and what is held stays in service.
threading.Thread(target=lambda: provider.get_valid_for(timedelta(hours=20)), daemon=True).start()
while not os.path.exists("in-the-air"):  # as the test knows when the cloud has it
    time.sleep(0.01)


def when_asked(environ, start_response):  # type: ignore[no-untyped-def]
    """The application, which says first what was in mid-air at the first fork."""
    head = f"{at_fork[0]}\n".encode()
    return [head, *application(environ, lambda status, headers: start_response(status, headers[:1]))]
