# What alicred and its examples use of this untyped package, and no more.
from aliyunsdkcore.auth.credentials import AccessKeyCredential
from aliyunsdkcore.auth.signers.signer import Signer
from aliyunsdkcore.request import AcsRequest

class AccessKeySigner(Signer):
    def __init__(self, access_key_credential: AccessKeyCredential) -> None: ...
    def sign(self, region_id: str, request: AcsRequest) -> tuple[dict[str, str], str]: ...
