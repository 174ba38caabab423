"""What the commands say in Chinese. The key is the English text, in which ``{name}`` stands for a value."""

from __future__ import annotations

CHINESE: dict[str, str] = {}
