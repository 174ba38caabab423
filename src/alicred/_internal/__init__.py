"""What the rest of alicred is built with. Nothing here is public."""
