"""What a study file says: datasets, networks, protocols, and metrics to compare with."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from snellen.datasets import Dataset, load_dataset
from snellen.errors import DatasetError
from snellen.exam._agreement._readouts import DEFAULT_READOUTS, find_readouts
from snellen.exam._agreement._study_networks import NetworkSpec


@dataclass(frozen=True)
class Study:
    """What a study file says; made by `load_study`.

    Parameters
    ----------
    datasets, networks
        What is examined.
    resize
        Rules of the protocol.
    readouts
        Names.
    metrics
        Options of `snellen.create_metric`, ``name`` among them, and by choice a ``label`` under
        which the metric stands in the tables.
    """

    datasets: tuple[Dataset, ...]
    networks: tuple[NetworkSpec, ...]
    resize: tuple[str, ...] = ("native",)
    readouts: tuple[str, ...] = DEFAULT_READOUTS
    metrics: tuple[Mapping[str, Any], ...] = ()


def load_study(path: str | Path) -> Study:
    """Read a study file.

    Parameters
    ----------
    path
        YAML. ``datasets``: name, path, and for a CSV file higher_better. ``networks``: see
        `NetworkSpec`. Optional: ``resize``, ``readouts``, ``metrics``. Paths are relative to the
        file; environment variables in them are replaced.

    Returns
    -------
    Study
        With the tables of its datasets read.

    Raises
    ------
    DatasetError
        The file is not laid out so, or a dataset is missing.
    """
    path = Path(path)
    try:
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise DatasetError(f"{path}: not a study file: {error}") from error
    known = {"datasets", "networks", "resize", "readouts", "metrics"}
    if not isinstance(text, dict) or set(text) - known or not {"datasets", "networks"} <= set(text):
        found = ", ".join(map(str, text)) if isinstance(text, dict) else type(text).__name__
        raise DatasetError(
            f"{path}: expected datasets and networks, optionally resize, readouts and metrics; "
            f"found {found}."
        )
    folder = path.parent.resolve()
    metrics = [{"name": one} if isinstance(one, str) else one for one in text.get("metrics", [])]
    labels = [one.get("label", one.get("name")) for one in metrics]
    if None in labels or len(set(labels)) < len(labels):
        raise DatasetError(
            f"{path}: every metric needs a name, and a label of its own where one name stands "
            f"twice; found {', '.join(map(str, labels))}."
        )
    find_readouts(text.get("readouts", DEFAULT_READOUTS))
    return Study(
        datasets=tuple(_dataset(entry, folder, path) for entry in text["datasets"]),
        networks=tuple(_network(entry, folder, path) for entry in text["networks"]),
        resize=tuple(text.get("resize", ["native"])),
        readouts=tuple(text.get("readouts", DEFAULT_READOUTS)),
        metrics=tuple({k: _expand(v, folder, k) for k, v in one.items()} for one in metrics),
    )


def _expand(value: Any, folder: Path, key: str) -> Any:
    is_file = key.endswith("weights") and value not in ("imagenet", "random")
    return str(folder / os.path.expandvars(value)) if is_file else value


def _dataset(entry: Mapping[str, Any], folder: Path, path: Path) -> Dataset:
    if not {"name", "path"} <= set(entry):
        raise DatasetError(f"{path}: a dataset has name and path; found {', '.join(entry)}.")
    where = folder / os.path.expandvars(str(entry["path"]))
    return load_dataset(entry["name"], where, higher_better=entry.get("higher_better"))


def _network(entry: Mapping[str, Any], folder: Path, path: Path) -> NetworkSpec:
    known = {one.name for one in fields(NetworkSpec)} - {"folder"}
    if "name" not in entry or (extra := set(entry) - known):
        what = "no name" if "name" not in entry else f"unknown {', '.join(sorted(extra))}"
        raise DatasetError(f"{path}: a network has {', '.join(sorted(known))}; found {what}.")
    return NetworkSpec(**entry, folder=folder)
