"""What alicred calls itself towards a service."""

from __future__ import annotations

import sys


def user_agent() -> str:
    """``alicred/<version> Python/<x.y>``."""
    from alicred._internal.version import __version__  # looks the version up on the disk

    return f"alicred/{__version__} Python/{sys.version_info[0]}.{sys.version_info[1]}"
