# What alicred and its examples use of this package, and no more.
from datetime import timedelta

from . import config as config
from .config import Config as Config
from .models import GetObjectRequest as GetObjectRequest
from .models import GetObjectResult, PutObjectResult
from .models import PutObjectRequest as PutObjectRequest
from .presigner import PresignResult

class Client:
    def __init__(self, config: Config) -> None: ...
    def put_object(self, request: PutObjectRequest) -> PutObjectResult: ...
    def get_object(self, request: GetObjectRequest) -> GetObjectResult: ...
    def presign(self, request: GetObjectRequest | PutObjectRequest, *, expires: timedelta = ...) -> PresignResult: ...
