"""The rules of the house: what may import what, what an import may do, and that the tests stay at home."""

from __future__ import annotations

import ast
import contextlib
import fnmatch
import graphlib
import inspect
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forked import in_child
from tests.network_guard import ATTEMPTS, Attempts, NetworkForbidden, is_loopback

SOURCE = Path(__file__).resolve().parents[1] / "src"

# The floors from bottom to top: modules and packages directly below `alicred`. A module may import from its own floor and lower ones.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("_internal",),
    ("credential",),
    ("provider",),
    ("clock", "policy"),
    ("events",),
    ("chain", "refresh", "retrying"),
    ("limiting",),
    ("pool",),
    ("wire",),
    ("sharing", "sources"),
    ("default",),
    ("adapters", "login", "server", "testing"),
    ("compat", "cli", "__main__"),
)
# `alicred/__init__.py` re-exports everything up to here, and only the floors above may import from it.
ROOT_FLOOR = next(number for number, names in enumerate(FLOORS) if "default" in names)
# Narrower than their floor: what these may import beside themselves.
ONLY: dict[str, tuple[str, ...]] = {
    "wire": ("errors", "_internal", "credential", "provider", "clock"),
    "policy": ("errors", "_internal"),
    "sharing": ("errors", "_internal", "credential", "provider", "clock", "policy", "events", "refresh"),
}
# Nothing of this is loaded by `import alicred`.
EXPENSIVE = ("urllib3", "ssl", "cryptography", "asyncio", "redis")


# --- imports ------------------------------------------------------------------------------------------------------------------------


def modules() -> dict[str, Path]:
    """Every module of the library, by its dotted name."""
    found: dict[str, Path] = {}
    for path in sorted((SOURCE / "alicred").rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def resolve(name: str, known: dict[str, Path]) -> str | None:
    """The longest prefix of the dotted *name* that is a module of the library."""
    while name:
        if name in known:
            return name
        name = name.rpartition(".")[0]
    return None


def imports(module: str, path: Path, known: dict[str, Path]) -> Iterator[tuple[str, int, bool]]:
    """What *module* imports from the library: the other module, the line, and whether that happens while *module* itself is imported."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]

    def targets(node: ast.Import | ast.ImportFrom) -> list[str]:
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        base = node.module or ""
        if node.level:
            parts = package.split(".")
            base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
        return [f"{base}.{alias.name}" for alias in node.names]

    def walk(node: ast.AST, at_import: bool) -> Iterator[tuple[str, int, bool]]:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for name in targets(node):
                found = resolve(name, known)
                if found is not None and found != module:
                    yield found, node.lineno, at_import
        if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            for child in node.body:
                yield from walk(child, False)
            for child in node.orelse:
                yield from walk(child, at_import)
            return
        inner = at_import and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inner)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), True)


def top(module: str) -> str:
    """``alicred.policy.backoff`` -> ``policy``; the package itself is the empty string."""
    return module.partition(".")[2].partition(".")[0]


def floor(name: str) -> int | None:
    if not name:
        return ROOT_FLOOR
    return next((number for number, names in enumerate(FLOORS) if any(fnmatch.fnmatchcase(name, each) for each in names)), None)


def test_no_decorator_stands_twice() -> None:
    twice = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in modules().values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and len({ast.unparse(each) for each in node.decorator_list}) < len(node.decorator_list)
    ]
    assert twice == []


def test_every_module_has_a_floor() -> None:
    assert modules(), "there is no library"
    assert sorted(name for name in modules() if floor(top(name)) is None) == []


def test_imports_point_downward() -> None:
    known = modules()
    wrong = []
    for module, path in known.items():
        here, own = top(module), floor(top(module))
        for target, line, _ in imports(module, path, known):
            there, theirs = top(target), floor(top(target))
            if own is None or theirs is None or here == there:
                continue  # without a floor: another test's matter
            allowed = any(fnmatch.fnmatchcase(there, each) for each in ONLY[here]) if here in ONLY else theirs <= own
            if not there and own <= ROOT_FLOOR:
                allowed = False  # the package is made of these floors, not the other way round
            if not allowed:
                wrong.append(f"{path.relative_to(SOURCE)}:{line} imports {target}")
    assert wrong == []


def circle_in(graph: dict[str, set[str]]) -> str:
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as circle:
        return " <- ".join(circle.args[1])
    return ""


def test_no_import_circle_not_even_one_that_a_function_or_a_type_checker_imports() -> None:
    known = modules()
    graph = {module: {other for other, _, _ in imports(module, path, known)} for module, path in known.items()}
    assert circle_in(graph) == ""


def test_no_circle_of_rooms() -> None:
    """Of the modules and packages directly below `alicred`, and of the packages in these with one another."""
    known = modules()
    rooms: dict[str, set[str]] = {}
    wings: dict[str, set[str]] = {}
    for module, path in known.items():
        for other, _, _ in imports(module, path, known):
            if top(module) != top(other) and top(module) and top(other):
                rooms.setdefault(top(module), set()).add(top(other))
            here, there = module.rpartition(".")[0], other.rpartition(".")[0]
            is_within = here.startswith(f"{there}.") or there.startswith(f"{here}.")  # a package and what is in it are one room
            if here != there and not is_within and "alicred" not in (here, there):
                wings.setdefault(here, set()).add(there)
    assert circle_in(rooms) == ""
    assert circle_in(wings) == ""


def test_a_source_knows_nothing_of_the_files_that_name_it() -> None:
    known = modules()
    sources = {name: path for name, path in known.items() if name.startswith("alicred.sources.") and "profiles" not in name}
    wrong = [name for name, path in sources.items() for other, _, _ in imports(name, path, known) if "sources.profiles" in other]
    assert wrong == []


@pytest.mark.parametrize("hidden", ["", "def f():\n    ", "if TYPE_CHECKING:\n    "])
def test_a_circle_is_found_wherever_it_hides(hidden: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"{hidden}import alicred.b\n")
    (tmp_path / "b.py").write_text("import alicred.a\n")
    known = {f"alicred.{name}": tmp_path / f"{name}.py" for name in "ab"}
    assert circle_in({module: {other for other, _, _ in imports(module, path, known)} for module, path in known.items()})


def test_the_import_reader_sees_every_form(tmp_path: Path) -> None:
    path = tmp_path / "b.py"
    path.write_text(
        "import alicred.x\n"
        "from alicred import y, Z\n"
        "from .c import d\n"
        "from ..x import e\n"
        "def f():\n    from alicred.y import g\n"
        "if TYPE_CHECKING:\n    import alicred.p.c\n"
        "class K:\n    import alicred.y\n"
    )
    known = dict.fromkeys(("alicred", "alicred.x", "alicred.y", "alicred.p", "alicred.p.b", "alicred.p.c"), path)
    assert list(imports("alicred.p.b", path, known)) == [
        ("alicred.x", 1, True),
        ("alicred.y", 2, True),
        ("alicred", 2, True),
        ("alicred.p.c", 3, True),
        ("alicred.x", 4, True),
        ("alicred.y", 6, False),
        ("alicred.p.c", 8, False),
        ("alicred.y", 10, True),
    ]


# --- import alicred -----------------------------------------------------------------------------------------------------------------

# Runs in a fresh interpreter and prints what `import alicred` did.
PROBE = """
import atexit, collections.abc, json, logging, os, signal, sys, threading, warnings

reads, registered = [], []


class Recording(collections.abc.MutableMapping):
    def __init__(self, real):
        self.real = real
    def __getitem__(self, name):
        reads.append(name)
        return self.real[name]
    def __setitem__(self, name, value):
        reads.append("set " + name)
        self.real[name] = value
    def __delitem__(self, name):
        reads.append("deleted " + name)
        del self.real[name]
    def __iter__(self):
        reads.append("ALIBABA_* (all names)")
        return iter(self.real)
    def __len__(self):
        return len(self.real)
    def copy(self):
        reads.append("ALIBABA_* (a copy)")
        return dict(self.real)


def recorder(real, what):
    def register(*args, **kwargs):
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if caller.split(".")[0] == "alicred":
            registered.append(what + " by " + caller)
        return real(*args, **kwargs)
    return register


os.environ = Recording(os.environ)
for module, name in ((atexit, "register"), (os, "register_at_fork"), (signal, "signal"), (warnings, "simplefilter"),
                     (warnings, "filterwarnings"), (threading, "settrace"), (logging, "addLevelName"), (logging, "setLoggerClass")):
    setattr(module, name, recorder(getattr(module, name), module.__name__ + "." + name))
hooks = sys.excepthook, threading.excepthook, sys.unraisablehook, list(sys.meta_path), list(sys.path_hooks)
loaded, threads = set(sys.modules), set(threading.enumerate())

import alicred

names = [None, "alicred", *(name for name in logging.Logger.manager.loggerDict if name.startswith("alicred."))]
print(json.dumps({
    "file": alicred.__file__,
    "loaded": sorted(set(sys.modules) - loaded),
    "threads": [thread.name for thread in set(threading.enumerate()) - threads],
    "handlers": [repr(handler) for name in names for handler in logging.getLogger(name).handlers],
    "levels": [name for name in names[1:] if logging.getLogger(name).level != logging.NOTSET],
    "registered": registered,
    "hooks": hooks == (sys.excepthook, threading.excepthook, sys.unraisablehook, list(sys.meta_path), list(sys.path_hooks)),
    "reads": [name for name in reads if "ALIBABA" in name.upper() or "ALICLOUD" in name.upper()],
}))
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, object]:
    environ = {**os.environ, "ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_PROFILE": "one"}
    # -I: no PYTHON* variable and no current directory takes part
    done = subprocess.run([sys.executable, "-I", "-c", PROBE], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    seen = json.loads(done.stdout)
    assert isinstance(seen, dict)
    return seen


def test_alicred_is_a_regular_package(imported: dict[str, object]) -> None:
    assert str(imported["file"]).endswith(os.path.join("alicred", "__init__.py"))


@pytest.mark.parametrize("package", EXPENSIVE)
def test_import_does_not_load(package: str, imported: dict[str, object]) -> None:
    loaded = imported["loaded"]
    assert isinstance(loaded, list)
    assert [name for name in loaded if name.partition(".")[0] == package] == []


@pytest.mark.parametrize("what", ["threads", "handlers", "levels", "registered", "reads"])
def test_import_leaves_the_process_alone(what: str, imported: dict[str, object]) -> None:
    assert imported[what] == []


def test_import_replaces_no_hook(imported: dict[str, object]) -> None:
    assert imported["hooks"] is True


# --- public names -------------------------------------------------------------------------------------------------------------------


def test_public_names_exist_and_are_sorted() -> None:
    import alicred

    assert [name for name in alicred.__all__ if not hasattr(alicred, name)] == []
    assert list(alicred.__all__) == sorted(set(alicred.__all__))


def test_public_names_are_listed_by_dir() -> None:
    import alicred

    assert sorted(set(alicred.__all__) - set(dir(alicred))) == []


def test_public_classes_and_functions_have_docstrings() -> None:
    import alicred

    public = {name: getattr(alicred, name) for name in alicred.__all__}
    # a class needs its own: an inherited one speaks of something else
    docstrings = {name: vars(value).get("__doc__") for name, value in public.items() if issubclass(type(value), type)}
    docstrings |= {name: value.__doc__ for name, value in public.items() if inspect.isroutine(value)}
    assert [name for name, text in docstrings.items() if not (text or "").strip()] == []


# --- the tests stay at home ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", b"127.0.0.1", "::ffff:127.0.0.1"])
def test_loopback_is_recognised(host: object) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "10.0.0.1", "100.100.100.200", "localhost.example.com", "fe80::1", None, 2130706433])
def test_anything_else_is_not_loopback(host: object) -> None:
    assert not is_loopback(host)


def test_a_connection_to_the_outside_is_refused(loopback_only: Attempts) -> None:
    with socket.socket() as probe:
        for address in (("192.0.2.1", 80), ("8.8.8.8", 53)):
            with pytest.raises(NetworkForbidden, match="loopback only"):
                probe.connect(address)
            with pytest.raises(NetworkForbidden):
                probe.connect_ex(address)
    with pytest.raises(NetworkForbidden):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    assert len(loopback_only.take()) == 5


def test_a_datagram_to_the_outside_is_refused(loopback_only: Attempts) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        with pytest.raises(NetworkForbidden):
            probe.sendto(b"x", ("192.0.2.1", 9))
        with pytest.raises(NetworkForbidden):
            probe.sendto(b"x", 0, ("192.0.2.1", 9))
        with pytest.raises(NetworkForbidden):
            probe.sendmsg([b"x"], [], 0, ("192.0.2.1", 9))
    assert len(loopback_only.take()) == 3


def test_a_listener_on_all_interfaces_is_refused(loopback_only: Attempts) -> None:
    with socket.socket() as probe, pytest.raises(NetworkForbidden):
        probe.bind(("0.0.0.0", 0))
    assert loopback_only.take() == ["socket.bind to ('0.0.0.0', 0)"]


def test_a_public_name_is_not_looked_up(loopback_only: Attempts) -> None:
    for look_up in (lambda name: socket.getaddrinfo(name, 443), socket.gethostbyname, socket.gethostbyname_ex, socket.gethostbyaddr):
        with pytest.raises(NetworkForbidden, match=r"sts\.aliyuncs\.com"):
            look_up("sts.aliyuncs.com")
    assert len(loopback_only.take()) == 4


def test_the_guard_holds_in_a_forked_child(loopback_only: Attempts) -> None:
    assert in_child(lambda: socket.create_connection(("192.0.2.1", 80), timeout=1)).startswith("NetworkForbidden: ")
    assert loopback_only.take() == ["socket.getaddrinfo of '192.0.2.1'"], "the parent learns of it"


def test_a_swallowed_attempt_is_still_known(loopback_only: Attempts) -> None:
    def careless() -> None:
        with contextlib.suppress(BaseException), socket.socket() as probe:
            probe.connect(("192.0.2.1", 80))

    thread = threading.Thread(target=careless)
    thread.start()
    thread.join()
    assert loopback_only.take() == ["socket.connect to ('192.0.2.1', 80)"]
    assert loopback_only is ATTEMPTS


def test_loopback_works(closed_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=5) as client:
        assert client.getpeername() == server.getsockname()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("localhost", closed_port), timeout=5)
    left, right = socket.socketpair()
    left.close()
    right.close()


def test_home_is_empty_and_the_environment_is_clean() -> None:
    assert list(Path.home().iterdir()) == []
    assert [name for name in os.environ if name.startswith(("ALIBABA", "ALICLOUD"))] == []
    assert [name for name in os.environ if name.lower() in {"http_proxy", "https_proxy", "no_proxy", "all_proxy"}] == []
