"""The API of the official package ``alibabacloud_credentials`` over alicred's engine: the same module names below it.

A program written for that package works after the package's name is changed in its imports:
``from alibabacloud_credentials.client import Client`` becomes ``from alicred.compat.client import Client``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alicred._internal.lazy import lazily

if TYPE_CHECKING:
    from alicred.compat.bridge import native
else:
    __getattr__, __dir__ = lazily(__name__, {"native": "alicred.compat.bridge"})

__version__ = "1.0.12"
"""The release of the official package whose API this is."""

__all__ = ["__version__", "native"]
