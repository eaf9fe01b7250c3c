"""Training plans from YAML files; every mistake is named with its place."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from snellen.errors import TrainingError
from snellen.restoration._pairs import PairSource
from snellen.restoration._plan import NetworkPlan, OptimiserPlan, Terms, TrainingPlan

T = TypeVar("T")

_DEFAULT_METRICS = ("psnr", "ssim")


@dataclass(frozen=True)
class ComparisonPlan:
    """Several losses under one plan; read from a file by `load_comparison`.

    Parameters
    ----------
    plan
        What all runs have in common; its loss and seed are replaced.
    losses
        Terms of every loss by its label; the others are compared with the first.
    seeds
        One run of every loss each.
    """

    plan: TrainingPlan
    losses: Mapping[str, Terms]
    seeds: tuple[int, ...]


def load_plan(path: str | Path) -> TrainingPlan:
    """Read a training plan.

    Parameters
    ----------
    path
        YAML with the fields of `TrainingPlan`. ``network`` is a name, or a mapping with ``name``
        and the arguments of its class; ``loss`` and ``metrics`` hold names, or mappings with
        ``name`` and options. Paths are relative to the file; environment variables in them are
        replaced.

    Returns
    -------
    TrainingPlan
        Checked but for the existence of its files.

    Raises
    ------
    TrainingError
        The file is not laid out so; the message names the place.
    """
    path = Path(path)
    return _plan(_read(path), path)


def load_comparison(path: str | Path) -> ComparisonPlan:
    """Read a comparison of losses.

    Parameters
    ----------
    path
        YAML as for `load_plan`, with ``losses`` (by label) and ``seeds`` in the place of ``loss``
        and ``seed``.

    Returns
    -------
    ComparisonPlan
        Checked but for the existence of its files.

    Raises
    ------
    TrainingError
        The file is not laid out so; the message names the place.
    """
    path = Path(path)
    text = _read(path)
    losses, seeds = text.pop("losses", None), text.pop("seeds", [0])
    if not isinstance(losses, dict) or not losses or {"loss", "seed"} & set(text):
        raise TrainingError(
            f"{path}: expected `losses` by label and `seeds`, and no `loss` or `seed`."
        )
    if not isinstance(seeds, list) or not all(type(one) is int and one >= 0 for one in seeds):
        raise TrainingError(f"{path}: seeds: expected whole numbers; got {seeds!r}.")
    if not seeds or len(set(seeds)) < len(seeds):
        raise TrainingError(f"{path}: seeds: expected at least one, all different; got {seeds!r}.")
    folder = path.parent.resolve()
    terms = {str(label): _terms(one, folder, f"{path}: losses.{label}") for label, one in
             losses.items()}  # fmt: skip
    first = next(iter(losses.values()))
    return ComparisonPlan(_plan({**text, "loss": first}, path), terms, tuple(seeds))


def _read(path: Path) -> dict[str, Any]:
    try:
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise TrainingError(f"{path}: not a training plan: {error}") from error
    if not isinstance(text, dict):
        raise TrainingError(f"{path}: expected a mapping; found {type(text).__name__}.")
    return text


def _plan(text: dict[str, Any], path: Path) -> TrainingPlan:
    folder, where = path.parent.resolve(), str(path)
    if "optimizer" in text:
        text["optimiser"] = text.pop("optimizer")
    given = dict(text)
    given.setdefault("metrics", list(_DEFAULT_METRICS))
    _refuse_unknown(TrainingPlan, given, where)
    given["network"] = _network(given["network"], f"{where}: network")
    given["train"] = _source(given["train"], folder, f"{where}: train")
    test = given["test"]
    if not isinstance(test, dict) or not test:
        raise TrainingError(f"{where}: test: expected sets of images by name; got {test!r}.")
    given["test"] = {str(k): _source(v, folder, f"{where}: test.{k}") for k, v in test.items()}
    given["loss"] = _terms(given["loss"], folder, f"{where}: loss")
    given["metrics"] = _metrics(given["metrics"], folder, f"{where}: metrics")
    if "optimiser" in given:
        given["optimiser"] = _built(OptimiserPlan, given["optimiser"], f"{where}: optimiser")
    return _built(TrainingPlan, given, where)


def _refuse_unknown(cls: type, entry: Any, where: str) -> None:
    if not isinstance(entry, dict):
        raise TrainingError(f"{where}: expected a mapping; got {entry!r}.")
    known = {one.name: one for one in fields(cls)}
    for key in entry:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
            raise TrainingError(f"{where}: unknown {key!r}; {hint}")
    for name, one in known.items():
        if one.default is MISSING and one.default_factory is MISSING and name not in entry:
            raise TrainingError(f"{where}: {name} is missing.")


def _built(cls: type[T], entry: Any, where: str) -> T:
    """Make a dataclass of a mapping; numbers must be numbers."""
    _refuse_unknown(cls, entry, where)
    hints = get_type_hints(cls)
    values = {key: _typed(value, hints[key], f"{where}: {key}") for key, value in entry.items()}
    try:
        return cls(**values)
    except TrainingError as error:
        raise TrainingError(f"{where}: {error}") from error


def _typed(value: Any, hint: Any, where: str) -> Any:
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if value is None and type(None) in options:
        return None
    if float in options and isinstance(value, str):
        try:  # YAML takes 1e-3 for text
            return float(value)
        except ValueError:
            pass
    wanted = next((one for one in options if one in (int, float, str)), None)
    accepted = (int, float) if wanted is float else wanted
    if accepted is not None and (not isinstance(value, accepted) or isinstance(value, bool)):
        name = {int: "a whole number", float: "a number", str: "text"}[wanted]  # type: ignore[index]
        raise TrainingError(f"{where}: expected {name}; got {value!r}.")
    if get_origin(hint) is tuple:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise TrainingError(f"{where}: expected a list; got {value!r}.")
        return tuple(_typed(one, get_args(hint)[0], where) for one in value)
    return value


def _network(entry: Any, where: str) -> NetworkPlan:
    options = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(options, dict) or not isinstance(options.get("name"), str):
        raise TrainingError(f"{where}: expected a name, or a mapping with a name; got {entry!r}.")
    return NetworkPlan(options["name"], {k: v for k, v in options.items() if k != "name"})


def _source(entry: Any, folder: Path, where: str) -> PairSource:
    _refuse_unknown(PairSource, entry, where)
    paths = {
        key: [_path(one, folder, f"{where}: {key}") for one in _listed(entry[key])]
        for key in ("clean", "degraded")
        if key in entry
    }
    return _built(PairSource, {**entry, **paths}, where)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _path(value: Any, folder: Path, where: str) -> str:
    if not isinstance(value, str):
        raise TrainingError(f"{where}: expected a path; got {value!r}.")
    expanded = os.path.expandvars(value)
    if "$" in expanded:
        raise TrainingError(f"{where}: {value}: set the environment variable that it names.")
    return str(folder / expanded)


def _terms(entry: Any, folder: Path, where: str) -> dict[str, dict[str, Any]]:
    """Read a loss: a name, or a mapping from names of terms to options, or to weights."""
    if isinstance(entry, str):
        entry = {entry: {}}
    if not isinstance(entry, dict) or not entry:
        raise TrainingError(f"{where}: expected a name, or terms by name; got {entry!r}.")
    terms = {}
    for key, value in entry.items():
        options = value if isinstance(value, dict) else {"weight": 1 if value is None else value}
        terms[str(key)] = _options({"name": str(key), **options}, folder, f"{where}.{key}")
        weight = terms[str(key)].get("weight", 1)
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise TrainingError(f"{where}.{key}: weight: expected a number; got {weight!r}.")
    return terms


def _metrics(entry: Any, folder: Path, where: str) -> dict[str, dict[str, Any]]:
    if not isinstance(entry, list):
        raise TrainingError(f"{where}: expected a list; got {entry!r}.")
    found: dict[str, dict[str, Any]] = {}
    for one in entry:
        options = dict(one) if isinstance(one, dict) else {"name": one}
        label = str(options.pop("label", options.get("name")))
        if not isinstance(options.get("name"), str) or label in found:
            raise TrainingError(
                f"{where}: every metric needs a name, and a label of its own where one name "
                f"stands twice; got {one!r}."
            )
        found[label] = _options(options, folder, f"{where}.{label}")
    return found


def _options(options: Mapping[str, Any], folder: Path, where: str) -> dict[str, Any]:
    return {
        key: _path(value, folder, f"{where}: {key}") if _is_file(key, value) else value
        for key, value in options.items()
    }


def _is_file(key: str, value: Any) -> bool:
    named = key.endswith("weights") and isinstance(value, str)
    return named and value not in ("imagenet", "random")
