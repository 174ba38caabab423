"""The documentation of the façade says what the tests show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.compat.official_api import LEFT_OUT, recorded

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "compat.md").read_text("utf-8")


def test_each_line_of_the_tables_has_its_test_and_each_test_its_line() -> None:
    named = re.findall(r"\| `(test_\w+)` \|$", PAGE, re.MULTILINE)
    modules = ("test_defects", "test_defects_of_refreshing", "test_differences")
    sources = [Path(__file__).with_name(f"{module}.py").read_text("utf-8") for module in modules]
    tests = [name for source in sources for name in re.findall(r"^(?:async )?def (test_\w+)", source, re.MULTILINE)]
    assert sorted(named) == sorted(tests)


def test_what_is_left_out_is_on_the_page() -> None:
    for path in LEFT_OUT:
        module, _, name = path.rpartition(".")
        if module == "credentials":
            assert name in PAGE, path
        elif not name.startswith(("HAS_", "attribute_error")):  # of a module's own
            group = {"provider.refreshable": "provider.refreshable"}.get(module, "validate_required" if "validate" in name else path)
            assert f"`{group}`" in PAGE, path


def test_every_parameter_that_has_no_effect_is_on_the_page() -> None:
    for name in ("duration_seconds", "enable_imds_v2", "allow_config_force_rewrite", "proxy", "host"):
        assert f"`{name}`" in PAGE


@pytest.mark.parametrize("page", ["migrating.md", "migrating.zh-CN.md"])
def test_the_guide_has_every_class_of_the_official_package(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    for name in (*recorded()["provider"], "Client", "Config", "CredentialModel", "HttpOptions", "CredentialException"):
        assert name.removesuffix("CredentialsProvider") in text, name


def test_the_two_guides_show_the_same_programs() -> None:
    english, chinese = (
        re.findall(r"^```(?:python|sh)\n(.*?)^```$", (DOCS / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)
        for page in ("migrating.md", "migrating.zh-CN.md")
    )

    def bare(programs: list[str]) -> list[str]:
        return [re.sub(r"\s*#.*", "", program) for program in programs]

    assert bare(english) == bare(chinese)
    assert len(english) >= 10


@pytest.mark.parametrize("page", ["compat.md", "migrating.md", "migrating.zh-CN.md"])
def test_the_programs_of_a_page_run(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert programs
    for program in programs:
        names: dict[str, object] = {"__name__": "__page__"}
        exec(compile(program, page, "exec"), names)
        for name in ("test_role", "check"):  # what a reader would run
            function = names.get(name)
            if not callable(function):
                continue
            monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "id")
            monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
            function(monkeypatch) if name == "test_role" else function()
