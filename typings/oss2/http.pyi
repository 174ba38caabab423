# What alicred and its examples use of this package, and no more.
class Request:
    region: str | None
    product: str | None
    cloudbox_id: str | None
