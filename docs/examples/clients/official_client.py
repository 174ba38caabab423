"""The official client over a provider, for code that insists on that client."""

from alibabacloud_credentials.client import Client

from alicred import default_provider
from alicred.adapters import alibabacloud_credentials

provider = default_provider()
client = Client(provider=alibabacloud_credentials(provider))
credential = client.get_credential()
print(credential.access_key_id, credential.provider_name)
