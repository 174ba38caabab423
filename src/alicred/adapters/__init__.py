"""Adapters: each takes a provider and returns what one family of clients accepts. Importing them imports none of the clients."""

from __future__ import annotations

from alicred.adapters.tea_credential import TeaCredential, TeaValue, tea

__all__ = ["TeaCredential", "TeaValue", "tea"]
