"""A profile file as the project's reference documentation prints one: a comment behind every header and every value."""

REFERENCE = """\
[default]                          # the profile that counts unless another one is named
enable = true                      # switched on; without it, it is not
type = access_key                  # a fixed key
access_key_id = foo                # Key
access_key_secret = bar            # Secret

[client1]                          # a profile named `client1`
type = ecs_ram_role                # the role of the instance
role_name = EcsRamRoleTest         # Role Name

[client2]                          # a profile named `client2`
enable = false                     # switched off
type = ram_role_arn                # a role
region_id = cn-test                # the region for getting the session
policy = test                      # optional, restricts the session
access_key_id = foo                # Key
access_key_secret = bar            # Secret
role_arn = role_arn                # the role
role_session_name = session_name   # optional

[client3]                          # a profile named `client3`
type = rsa_key_pair                # an RSA key pair
public_key_id = publicKeyId        # Public Key ID
private_key_file = /your/pk.pem    # Private Key
"""
