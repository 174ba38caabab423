"""Compares a stub of ``typings/`` with the real package, as far as the stub goes: it may say less, and nothing that is not so."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

TYPINGS = Path(__file__).resolve().parents[2] / "typings"


def stubs() -> dict[str, Path]:
    """Every stub, by the name of its module."""
    found: dict[str, Path] = {}
    for path in sorted(TYPINGS.rglob("*.pyi")):
        parts = path.relative_to(TYPINGS).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def differences(stub: str, module: ModuleType) -> list[str]:
    """What *stub*, the text of a stub, says of *module* that is not so."""
    return list(_of_body(ast.parse(stub).body, module, module.__name__))


def of_installed(name: str, path: Path) -> list[str]:
    return differences(path.read_text("utf-8"), importlib.import_module(name))


def _of_body(body: list[ast.stmt], owner: object, where: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.If):  # TYPE_CHECKING and versions: both branches are claims
            yield from _of_body([*node.body, *node.orelse], owner, where)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _of_function(node, owner, f"{where}.{node.name}")
        elif isinstance(node, ast.ClassDef):
            yield from _of_class(node, owner, f"{where}.{node.name}")
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and not _has(owner, node.target.id):
            yield f"{where}.{node.target.id} does not exist"


def _has(owner: object, name: str) -> bool:
    """Whether there is such an attribute: of a module or class, or one that a constructor gives to its instances."""
    if hasattr(owner, name):
        return True
    return inspect.isclass(owner) and any(_assigns(base, name) for base in owner.__mro__[:-1])


def _assigns(kind: type, name: str) -> bool:
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):
        return False
    tree = ast.parse(inspect.cleandoc("\n" + source) if source[:1].isspace() else source)
    return any(isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr == name for node in ast.walk(tree))


def _of_class(node: ast.ClassDef, owner: object, where: str) -> Iterator[str]:
    kind = getattr(owner, node.name, None)
    if kind is None:
        yield f"{where} does not exist"
        return
    if not inspect.isclass(kind):
        yield f"{where} is no class"
        return
    ancestors = {base.__name__ for base in kind.__mro__}
    for base in node.bases:
        name = ast.unparse(base).partition("[")[0].rpartition(".")[2]
        if name not in {"Protocol", "Generic", "object", *ancestors}:
            yield f"{where} does not inherit from {name}"
    yield from _of_body(node.body, kind, where)


def _of_function(node: ast.FunctionDef | ast.AsyncFunctionDef, owner: object, where: str) -> Iterator[str]:
    if not hasattr(owner, node.name):
        if not (_is_property(node) and _has(owner, node.name)):
            yield f"{where} does not exist"
        return
    real = inspect.getattr_static(owner, node.name)
    if _is_property(node):
        if callable(real) and not isinstance(real, property):
            yield f"{where} is no property"
        return
    static = isinstance(real, staticmethod)
    function = real.__func__ if isinstance(real, (staticmethod, classmethod)) else real
    if isinstance(node, ast.AsyncFunctionDef) != inspect.iscoroutinefunction(inspect.unwrap(function)) and not _returns_awaitable(node):
        yield f"{where} is {'not ' if isinstance(node, ast.AsyncFunctionDef) else ''}async"
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # built in
        return
    parameters = list(signature.parameters.values())
    if inspect.isclass(owner) and not static:
        parameters = parameters[1:]
    yield from _of_parameters(node.args, parameters, where, bound=inspect.isclass(owner) and not static)


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(each) == "property" for each in node.decorator_list)


def _returns_awaitable(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return node.returns is not None and ast.unparse(node.returns).startswith(("Awaitable", "Coroutine"))


def _of_parameters(claimed: ast.arguments, parameters: list[inspect.Parameter], where: str, *, bound: bool) -> Iterator[str]:
    by_name = {each.name: each for each in parameters}
    takes_any_name = any(each.kind is each.VAR_KEYWORD for each in parameters)
    takes_any_number = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    positional = [*claimed.posonlyargs, *claimed.args][1 if bound else 0 :]
    optional = {each.arg for each in positional[max(0, len(positional) - len(claimed.defaults)) :]}
    optional |= {each.arg for each, default in zip(claimed.kwonlyargs, claimed.kw_defaults, strict=True) if default is not None}
    in_order = [each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    for number, each in enumerate(positional):
        if each.arg.startswith("__"):
            continue
        if (number >= len(in_order) or in_order[number] != each.arg) and not takes_any_number:
            yield f"{where}: parameter {number + 1} is not {each.arg}"
    for each in [*positional, *claimed.kwonlyargs]:
        real = by_name.get(each.arg)
        if real is None:
            if not (takes_any_name or takes_any_number or each.arg.startswith("__")):
                yield f"{where} has no parameter {each.arg}"
        elif each.arg in optional and real.default is real.empty and real.kind not in (real.VAR_KEYWORD, real.VAR_POSITIONAL):
            yield f"{where}: {each.arg} is required"
    named = {each.arg for each in [*positional, *claimed.kwonlyargs]}
    for real in parameters:
        required = real.default is real.empty and real.kind not in (real.VAR_KEYWORD, real.VAR_POSITIONAL)
        if required and real.name not in named and not claimed.vararg and not claimed.kwarg:
            yield f"{where} has a parameter {real.name} that must be given"
