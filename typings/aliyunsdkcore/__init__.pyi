# What alicred and its examples use of this untyped package, and no more.
