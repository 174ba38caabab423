"""Workers that are forked from one parent, as prefork servers do it: one provider, made before the fork."""

import os

from alicred import default_provider

provider = default_provider()  # at module level: every worker inherits it
provider.get()  # not needed; with it, the workers start with the parent's value and fetch nothing


def work() -> None:
    """What a worker does with each request."""
    credential = provider.get()
    state = provider.state()
    print(f"{state.phase.value}: {credential.provider_name}, refreshes so far: {state.attempts}", flush=True)


for _ in range(2):
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    os.waitpid(child, 0)
