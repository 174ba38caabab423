"""One worker of a fleet, as a process of its own: asks for a shared credential again and again, and says what it saw.

    python -m tests.sharing.worker '{"endpoint": …, "directory": …, "key": …, "role": …, "seconds": …}'

The access key comes from the environment.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from datetime import datetime, timedelta, timezone

from alicred import AlicredError, CachingProvider, EnvironmentProvider, RamRoleArnProvider, RetryingProvider, StsClient
from alicred.sharing import FileStore, SharedProvider, StoreKey


def main(given: dict[str, str]) -> None:
    role = RamRoleArnProvider(EnvironmentProvider(), role_arn=given["role"], role_session_name="fleet", sts=StsClient(given["endpoint"]))
    key = StoreKey(base64.b64decode(given["key"]))
    shared = SharedProvider(RetryingProvider(role), FileStore(given["directory"]), name="reports", key=key)
    seen: set[str] = set()
    errors = ended = asked = 0
    longest = 0.0
    with CachingProvider(shared) as provider:
        until = time.monotonic() + float(given["seconds"])
        while time.monotonic() < until:
            asked += 1
            began = time.monotonic()
            try:
                held = provider.get()
            except AlicredError:
                errors += 1
            else:
                seen.add(held.access_key_id)
                ended += held.expires_at is not None and held.expires_at <= datetime.now(timezone.utc) - timedelta(milliseconds=50)
                longest = max(longest, time.monotonic() - began) if asked > 1 else 0.0
            time.sleep(0.05)
    state = shared.state()
    said = {"seen": sorted(seen), "asked": asked, "errors": errors, "ended": ended, "longest": longest, "led": state.led}
    print(json.dumps({**said, "adopted": state.adopted, "own_calls": state.own_calls}), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
