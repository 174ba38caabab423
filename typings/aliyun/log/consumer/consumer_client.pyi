# What alicred and its examples use of this package, and no more.
from .. import LogClient

class ConsumerClient:
    mclient: LogClient
