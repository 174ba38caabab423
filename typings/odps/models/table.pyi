# What alicred and its examples use of this package, and no more.
class Table:
    name: str
