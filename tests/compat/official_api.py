"""What a user of a package sees of it, as data: modules, classes, signatures, members, constants. By introspection alone.

``python -m tests.compat.official_api`` writes the API of the official package, which must be installed, into the file that the tests
compare.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parents[1] / "vectors" / "official_api.json"
OFFICIAL = "alibabacloud_credentials"
SHOWS_OTHERS = ("client", "provider")  # modules from which users import what is defined elsewhere
MODULES = (
    *SHOWS_OTHERS, "models", "http", "exceptions", "credentials", "providers",
    "utils.auth_constant", "utils.auth_util", "utils.parameter_helper",
    "provider.cli_profile", "provider.cloud_sso", "provider.default", "provider.ecs_ram_role", "provider.env", "provider.external",
    "provider.oauth", "provider.oidc", "provider.profile", "provider.ram_role_arn", "provider.refreshable", "provider.rsa_key_pair",
    "provider.static_ak", "provider.static_sts", "provider.uri",
)  # fmt: skip
# What alicred.compat leaves out, and why.
LEFT_OUT = {
    "providers": "the providers of the releases before 1.0, which keep nothing; `provider` has taken their place",
    "utils.parameter_helper": "signs and sends requests: alicred.wire does",
    "provider.refreshable.RefreshCachedSupplier": "a cache: alicred.CachingProvider",
    "provider.refreshable.RefreshResult": "of that cache",
    "provider.refreshable.PrefetchStrategy": "of that cache",
    "provider.refreshable.NonBlocking": "of that cache",
    "provider.refreshable.OneCallerBlocks": "of that cache",
    "provider.refreshable.StaleValueBehavior": "of that cache",
    "provider.refreshable.INT64_MAX": "of that cache",
    "provider.refreshable.MAX_CONCURRENT_REFRESHES": "of that cache",
    "provider.cli_profile.HAS_FCNTL": "how a file is locked",
    "provider.cli_profile.HAS_MSVCRT": "how a file is locked",
    "credentials.CredentialsURICredential": "made by `providers`",
    "credentials.EcsRamRoleCredential": "made by `providers`",
    "credentials.OIDCRoleArnCredential": "made by `providers`",
    "credentials.RamRoleArnCredential": "made by `providers`",
    "credentials.RsaKeyPairCredential": "made by `providers`",
    "client.attribute_error_return_none": "a decorator of the module's own",
    **{
        f"{module}.{model}.validate_{what}": "of Tea.model.TeaModel, which generated models call; these two never did"
        for module, model in (("client", "Config"), ("client", "CredentialModel"), ("models", "Config"), ("models", "CredentialModel"))
        for what in ("required", "max_length", "min_length", "pattern", "maximum", "minimum")
    },
}

Api = dict[str, dict[str, Any]]


def api_of(package: str) -> Api:
    """The public names of each module that can be imported, each with what it is."""
    api: Api = {}
    for name in MODULES:
        try:
            module = importlib.import_module(f"{package}.{name}")
        except ModuleNotFoundError:
            continue
        described = {each: _describe(getattr(module, each), each, module, name in SHOWS_OTHERS) for each in dir(module)}
        api[name] = {each: what for each, what in sorted(described.items()) if what is not None and not each.startswith("_")}
    return api


def _describe(value: Any, name: str, module: Any, shows_others: bool) -> Any:
    if inspect.isclass(value) or inspect.isfunction(value):
        root = module.__name__.split(".")[0]
        is_here = value.__module__.startswith((f"{module.__name__}.", root)) if shows_others else _home(value, module)
        if not is_here:
            return None  # imported from elsewhere
        return _class(value) if inspect.isclass(value) else _signature(value)
    if value is None or isinstance(value, (str, int, bool)):
        return repr(value) if name.isupper() and name != "HOME" else "of the environment"
    return None


def _home(value: Any, module: Any) -> bool:
    # http is a package in one and a module in the other
    return value.__module__ == module.__name__ or value.__module__.startswith(f"{module.__name__}.")


def _class(kind: type) -> dict[str, str]:
    bases = [base for base in kind.__mro__ if base.__module__ not in ("builtins", "typing")]
    found = {name: _member(value) for base in reversed(bases) for name, value in vars(base).items()}
    annotated = {name: "attribute" for base in bases for name in vars(base).get("__annotations__", {}) if name not in found}
    init = kind.__init__ if any("__init__" in vars(base) for base in bases) else None
    has_own = inspect.isfunction(init) and init.__module__ not in ("typing", "enum")
    members = {name: what for name, what in sorted({**annotated, **found}.items()) if not name.startswith("_")}
    return {"()": _signature(init) if has_own else "()", **members}


def _member(value: Any) -> str:
    function = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
    if not inspect.isfunction(function):
        return repr(value) if isinstance(value, (int, str)) else "attribute"
    function = inspect.unwrap(function)
    prefix = ("static " if isinstance(value, staticmethod) else "") + ("async " if inspect.iscoroutinefunction(function) else "")
    return prefix + _signature(function)


def _signature(function: Any) -> str:
    found = inspect.signature(function)
    bare = [each.replace(annotation=inspect.Parameter.empty) for each in found.parameters.values() if each.name != "self"]
    return re.sub(r" at 0x[0-9a-f]+", "", str(found.replace(parameters=bare, return_annotation=inspect.Signature.empty)))


def recorded() -> Api:
    """The API of the official package, as it was recorded."""
    api: Api = json.loads(RECORDED.read_text("utf-8"))["modules"]
    return api


def main() -> None:
    release = importlib.import_module(OFFICIAL).__version__
    content = {"package": OFFICIAL, "release": release, "modules": api_of(OFFICIAL)}
    RECORDED.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
