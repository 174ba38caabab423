"""A cloud on this machine for the other programs: prints the variables that they want, and stays until Enter is pressed."""

from alicred.testing import FakeCloud

with FakeCloud() as cloud:
    print(f"export ALIBABA_CLOUD_STS_ENDPOINT={cloud.http_endpoint} ALIBABA_CLOUD_ROLE_ARN={cloud.role_arn}")
    print(f"export ALIBABA_CLOUD_ACCESS_KEY_ID={cloud.access_key.access_key_id}")
    print(f"export ALIBABA_CLOUD_ACCESS_KEY_SECRET={cloud.access_key.access_key_secret}", flush=True)  # made up for this run
    input()
