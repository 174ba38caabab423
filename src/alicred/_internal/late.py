"""The module ``os``, looked up whenever it is used: ``from alicred._internal.late import os``.

A test tool that fakes the file system (pyfakefs) puts a module of its own in the place of ``os``. A module of alicred that is loaded while
that is so, because it is used for the first time, would keep the fake for the life of the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os as os
else:
    import sys

    class _Late:
        def __getattr__(self, name: str) -> object:
            return getattr(sys.modules["os"], name)

    os = _Late()
