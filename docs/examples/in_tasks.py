"""Tasks: aget() does not block the loop, and a task that is cancelled takes no refresh with it."""

import asyncio

from alicred import default_provider


async def main() -> None:
    provider = default_provider()
    impatient = asyncio.create_task(provider.aget())
    await asyncio.sleep(0)  # the task runs up to the point at which it waits for the refresh
    impatient.cancel()
    try:
        await impatient
    except asyncio.CancelledError:
        print("cancelled, while the refresh goes on")
    credential = await provider.aget()  # joins that refresh, or finds what it has brought
    print(f"{credential.provider_name} after {provider.state().attempts} refresh")


asyncio.run(main())
