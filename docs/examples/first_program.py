"""The first program: a credential from wherever this machine has one."""

from alicred import AlicredError, default_provider

provider = default_provider()
try:
    credential = provider.get()
except AlicredError as error:
    print(error)  # says what was looked for, what was found and what to do; never a secret
else:
    print(f"{credential.access_key_id} from {credential.provider_name}, valid until {credential.expires_at}")
