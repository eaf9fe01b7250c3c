"""The public interface is frozen in public_api.json: a change of it is a decision, not an accident.

Frozen are the names that `snellen` and its public rooms offer, the parameters of each function
and class (`name=` where it has a default), and the public members of each class. After a wanted
change, write the file anew and let the review see the difference:

    python tests/test_public_api.py --update
"""

import difflib
import importlib
import inspect
import json
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

FROZEN = Path(__file__).with_name("public_api.json")
UPDATE = "python tests/test_public_api.py --update"

# The interface of the command line is its commands, which have tests of their own.
NOT_FOR_IMPORT = {"cli"}

Surface = dict[str, dict[str, object]]


def public_modules() -> list[ModuleType]:
    package = importlib.import_module("snellen")
    rooms = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    public = [name for name in rooms if not name.startswith("_") and name not in NOT_FOR_IMPORT]
    return [package, *(importlib.import_module(f"snellen.{name}") for name in public)]


def public_names(module: ModuleType) -> list[str]:
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    )


class _Default:
    """Stands for any default: that there is one is the promise, its value is not."""

    def __repr__(self) -> str:
        return ""


def parameters(target: object) -> str:
    try:
        signature = inspect.signature(target)
    except ValueError:  # classes written in C may have none
        return "(...)"
    bare = [
        parameter.replace(
            annotation=parameter.empty,
            default=parameter.empty if parameter.default is parameter.empty else _Default(),
        )
        for parameter in signature.parameters.values()
    ]
    return str(signature.replace(parameters=bare, return_annotation=signature.empty))


def members(cls: type) -> dict[str, str | None]:
    own = [base for base in cls.__mro__ if base.__module__.startswith("snellen")]
    names = {name for base in own for name in vars(base) if not name.startswith("_")}
    return {
        name: parameters(getattr(cls, name)) if callable(getattr(cls, name)) else None
        for name in sorted(names)
    }


def describe(value: object) -> object:
    if inspect.isclass(value) and issubclass(value, BaseException):
        return {"bases": [base.__name__ for base in value.__bases__]}
    if inspect.isclass(value):
        return {"parameters": parameters(value), "members": members(value)}
    if inspect.ismodule(value):
        return "module"
    return parameters(value) if callable(value) else type(value).__name__


def surface() -> Surface:
    return {
        module.__name__: {name: describe(getattr(module, name)) for name in public_names(module)}
        for module in public_modules()
    }


def written(found: Surface) -> str:
    return json.dumps(found, indent=2) + "\n"


def test_public_interface_is_the_frozen_one():
    assert FROZEN.is_file(), f"there is no {FROZEN.name}: write it with `{UPDATE}`"
    frozen, found = FROZEN.read_text(encoding="utf-8"), written(surface())
    difference = "\n".join(
        difflib.unified_diff(
            frozen.splitlines(), found.splitlines(), "frozen", "found", lineterm=""
        )
    )
    assert not difference, (
        f"the public interface changed. If users are meant to see this, run `{UPDATE}` and say so "
        f"in CHANGELOG.md; a removed or renamed name needs a deprecation first.\n{difference}"
    )


def test_every_public_name_exists_and_is_documented():
    undocumented = [
        f"{module.__name__}.{name}"
        for module in public_modules()
        for name in public_names(module)
        if callable(getattr(module, name)) and not inspect.getdoc(getattr(module, name))
    ]
    assert undocumented == []


def test_a_renamed_parameter_is_noticed():
    def before(image, *, layer="relu", weights=None): ...
    def after(image, *, layers="relu", weights=None): ...
    def required(image, *, layer, weights=None): ...

    assert parameters(before) == "(image, *, layer=, weights=)"
    assert len({parameters(before), parameters(after), parameters(required)}) == 3


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(f"usage: {UPDATE}")
    FROZEN.write_text(written(surface()), encoding="utf-8")
