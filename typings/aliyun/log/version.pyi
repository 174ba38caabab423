# What alicred and its examples use of this package, and no more.
USER_AGENT: str
