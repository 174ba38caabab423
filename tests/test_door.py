"""What stands at the door of the repository names things that are there: files, targets of make, versions of tools and of Python."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PLACEHOLDERS = {"src/alicred/sources/vault.py", "src/alicred/adapters/newclient_provider.py"}  # what a reader is to write


def paths_in(page: str) -> set[str]:
    """The paths in inline code on *page*, from the root of the repository."""
    named = re.findall(r"`([\w./-]+)`", (ROOT / page).read_text("utf-8"))
    return {name for name in named if name.startswith(("src/", "tests/", "docs/", "tools/", "requirements/", "typings/"))} - PLACEHOLDERS


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md"])
def test_every_path_on_the_page_exists(page: str) -> None:
    paths = paths_in(page)
    assert paths
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


def test_the_map_names_what_is_in_each_room() -> None:
    rows = re.findall(r"^\| (`src/alicred/[^|]*)\|[^|]*\|([^|]*)\|$", (ROOT / "docs" / "architecture.md").read_text("utf-8"), re.MULTILINE)
    rows = [(room.split("`")[1], re.findall(r"`([\w/]+(?:\.py|/))`", files)) for room, files in rows if room.strip("` ").endswith("/")]
    named = [f"{room}{file}" for room, files in rows for file in files]
    assert len(named) > 30
    assert [file for file in named if not (ROOT / file).exists()] == []


def test_the_map_has_every_room() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rooms = [path for path in (ROOT / "src" / "alicred").iterdir() if not path.name.startswith("__")]
    shown = [
        f"src/alicred/{path.name}{'/' if path.is_dir() else ''}"
        for path in rooms
        if path.suffix == ".py" or (path / "__init__.py").exists()
    ]
    assert sorted(room for room in shown if f"`{room}`" not in page) == []


@pytest.mark.parametrize(
    "name",
    [
        "_MEANINGS",
        "_MEANINGS_FOR",
        "_BUSY",
        "BUILDERS",
        "_TELLTALES",
        "_SUBSTANCE",
        "_names",
        "_credentials_uri",
        "FLOORS",
        "schedule",
        "decide",
    ],
)
def test_a_name_that_contributors_are_sent_to_is_there(name: str) -> None:
    assert re.search(rf"`{name}[`(]", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    sources = [*(ROOT / "src").rglob("*.py"), ROOT / "tests" / "test_house.py"]
    assert any(re.search(rf"^ *(?:def )?{name}\b *[:=(]", path.read_text("utf-8"), re.MULTILINE) for path in sources)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def commands(path: Path) -> list[str]:
    """The commands of a workflow's steps, once for each entry of its matrix."""
    workflow: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    found = []
    for job in workflow["jobs"].values():
        matrix: dict[str, list[str]] = job.get("strategy", {}).get("matrix", {})
        for step in job["steps"]:
            if run := step.get("run"):
                (name, entries), *more = matrix.items() if matrix else [("", [""])]
                assert not more
                found += [run.replace("${{ matrix." + name + " }}", entry) for entry in entries]
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_calls_targets_of_the_makefile_and_nothing_else(path: Path) -> None:
    found = commands(path)
    assert found
    assert [command for command in found if not re.fullmatch(r'make [a-z-]+( ARGS=".*")?', command)] == []
    assert {command.split()[1] for command in found} <= targets()


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md", "README.zh-CN.md"])
def test_a_page_names_targets_of_the_makefile(page: str) -> None:
    found = re.findall(r"(?:^|`|; )make ((?:[a-z-]+ ?)+)", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    assert found
    assert {target for line in found for target in line.split()} <= targets()


def test_the_workflow_covers_every_python_of_the_metadata() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8"))
    versions = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text("utf-8"))
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python"] == versions


def test_pre_commit_runs_the_ruff_that_is_pinned() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    ruff = next(repo for repo in config["repos"] if repo["repo"].endswith("/ruff-pre-commit"))
    assert [hook["id"] for hook in ruff["hooks"]] == ["ruff-check", "ruff-format"]
    assert f"ruff=={ruff['rev'].removeprefix('v')}" in (ROOT / "requirements" / "lint.txt").read_text("utf-8")


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_links_of_a_readme_are_absolute_and_lead_into_the_repository(page: str) -> None:
    """A package index shows it without the rest."""
    (home,) = re.findall('^Homepage = "(.*)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    links = re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text("utf-8"))
    assert len(links) > 10
    assert [link for link in links if not link.startswith("https://")] == []
    own = [link.split("#")[0].removeprefix(f"{home}/blob/main/") for link in links if link.startswith(home)]
    assert [path for path in own if not (ROOT / path).is_file()] == []
