# What alicred and its examples use of this untyped package, and no more.
from abc import ABCMeta, abstractmethod

from aliyunsdkcore.request import AcsRequest

class Signer(metaclass=ABCMeta):
    @abstractmethod
    def sign(self, region_id: str, request: AcsRequest) -> tuple[dict[str, str], str]: ...
