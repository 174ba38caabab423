"""The façade has the API of the official package: names, signatures, constants."""

from __future__ import annotations

import importlib.util
import warnings
from typing import Any

import pytest

from tests.compat.official_api import LEFT_OUT, OFFICIAL, api_of, recorded

OFFICIAL_FACE = recorded()
OURS = api_of("alicred.compat")

# What the façade leaves out, and why. A user of none of these is known to do more than import them.


def leaves(api: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Every entry of *api* by its dotted path."""
    found: dict[str, str] = {}
    for name, value in api.items():
        path = f"{prefix}{name}"
        found |= leaves(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return found


def is_left_out(path: str) -> bool:
    return any(path == each or path.startswith(f"{each}.") for each in LEFT_OUT)


def test_every_public_name_of_the_official_package_is_there_with_the_same_signature() -> None:
    expected, ours = leaves(OFFICIAL_FACE), leaves(OURS)
    differ = {path: (what, ours.get(path)) for path, what in expected.items() if ours.get(path) != what and not is_left_out(path)}
    assert differ == {}
    assert len(expected) > 400


def test_what_is_left_out_is_not_there_and_the_official_package_has_it() -> None:
    expected, ours = leaves(OFFICIAL_FACE), leaves(OURS)
    for each in LEFT_OUT:
        assert any(path == each or path.startswith(f"{each}.") for path in expected), each
        assert not any(path == each or path.startswith(f"{each}.") for path in ours), each


@pytest.mark.skipif(importlib.util.find_spec(OFFICIAL) is None, reason="the official package is not installed")
def test_the_recorded_face_is_that_of_the_installed_package() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert api_of(OFFICIAL) == OFFICIAL_FACE


def test_a_difference_would_be_seen() -> None:
    from alicred.compat.models import CredentialModel

    class Changed(CredentialModel):
        def get_type(self, more: int = 1) -> str | None:
            return None

    from tests.compat.official_api import _class

    assert _class(Changed)["get_type"] == "(more=1)" != leaves(OFFICIAL_FACE)["models.CredentialModel.get_type"]


def test_all_names_that_a_module_promises_exist() -> None:
    import importlib

    for name in ("", ".api", ".bridge", ".client", ".credentials", ".exceptions", ".http", ".models", ".provider", ".provider.external"):
        module = importlib.import_module(f"alicred.compat{name}")
        assert [each for each in module.__all__ if not hasattr(module, each)] == []
        assert sorted(set(module.__all__) - set(dir(module))) == []
