from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from alicred import sources, wire


def test_every_source_is_there_under_its_name() -> None:
    assert list(sources.__all__) == sorted(set(sources.__all__))
    for name in sources.__all__:
        assert getattr(sources, name).__name__ == name
    assert set(sources.__all__) <= set(dir(sources))


def test_no_source_needs_the_profiles() -> None:
    """A profile is made of sources, and not the other way round."""
    here = Path(str(sources.__file__)).parent
    found = [path.name for path in here.glob("*.py") if path.name != "__init__.py" and "sources.profiles" in path.read_text("utf-8")]
    assert found == []


def test_every_client_is_there_under_its_name() -> None:
    assert list(wire.__all__) == sorted(set(wire.__all__))
    for name in wire.__all__:
        assert getattr(wire, name).__name__ == name
    assert set(wire.__all__) <= set(dir(wire))


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'MagicProvider'"):
        sources.MagicProvider  # noqa: B018  (the access is the test)


def test_naming_the_package_loads_no_source_and_each_source_loads_alone() -> None:
    program = (
        "import sys, alicred.sources\n"
        "before = [name for name in sys.modules if name.startswith(('alicred.sources.', 'alicred.sources.profiles.'))]\n"
        "alicred.sources.StaticProvider\n"
        "after = [name for name in sys.modules if name.startswith(('alicred.sources.', 'alicred.sources.profiles.'))]\n"
        "print(sorted(set(after) - set(before)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout in ("['alicred.sources._source', 'alicred.sources.static']\n", "[]\n"), done.stdout
    for module in ("sources.static", "sources.ram_role_arn", "sources.profiles.ini.provider", "sources.profiles.bearer", "default"):
        # each may be the first that a program imports
        subprocess.run([sys.executable, "-c", f"import alicred.{module}"], check=True)


@pytest.mark.parametrize("heavy", ["urllib3", "ssl", "cryptography", "asyncio", "logging"])
def test_no_source_loads_what_is_heavy(heavy: str) -> None:
    program = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "import alicred.sources, alicred.default\n"
        "[getattr(alicred.sources, name) for name in alicred.sources.__all__]\n"
        f"print([name for name in set(sys.modules) - before if name.partition('.')[0] == {heavy!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
