import trio

from alicred import default_provider


async def main() -> None:
    provider = default_provider()
    with trio.move_on_after(0) as limit:
        await provider.aget()
    if limit.cancelled_caught:
        print("out of time, while the refresh goes on")
    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(provider.aget)  # each joins that refresh, or finds what it has brought
    credential = await provider.aget()
    print(f"{credential.provider_name} after {provider.state().attempts} refresh")


trio.run(main)
