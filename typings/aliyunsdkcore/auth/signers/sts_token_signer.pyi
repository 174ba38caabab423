# What alicred and its examples use of this untyped package, and no more.
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.auth.signers.signer import Signer
from aliyunsdkcore.request import AcsRequest

class StsTokenSigner(Signer):
    def __init__(self, sts_credential: StsTokenCredential) -> None: ...
    def sign(self, region_id: str, request: AcsRequest) -> tuple[dict[str, str], str]: ...
