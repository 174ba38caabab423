"""``python -m alicred``."""

from __future__ import annotations

import sys

from alicred.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
