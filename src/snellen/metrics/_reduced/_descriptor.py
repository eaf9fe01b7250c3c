"""What the sender of a reduced-reference system transmits: a few numbers, and what they mean."""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from snellen.errors import MetricError, reason_text
from snellen.records import replace_file

VERSION = 1
VALUE_TYPES: dict[str, torch.dtype] = {"float16": torch.float16, "float32": torch.float32}
"""Types in which values are transmitted, by name."""

_MARK = "snellen_descriptor"
_NUMBERS = re.compile(r"\[([-+.\deE,\s]+)\]")
_NUMPY = {"float16": np.float16, "float32": np.float32}


@dataclass(frozen=True, eq=False)
class Descriptor:
    """A short vector that stands for an image, made by `ReducedReferenceMetric.describe`.

    Parameters
    ----------
    values
        (N, k), in the type in which they are transmitted: one row for each image.
    size
        Height and width of the images in pixels.
    terms
        What sender and receiver have to agree on: metric, backbone and hash of its weights,
        layers, pooling, projection, protocol, decoding, number and type of values.

    Examples
    --------
    >>> from snellen.metrics import create_metric
    >>> sent = create_metric("rr-gabor", values=8).describe(torch.rand(1, 3, 32, 48))
    >>> sent.values.shape, sent.size, sent.nbytes
    (torch.Size([1, 8]), (32, 48), 16)
    """

    values: Tensor
    size: tuple[int, int]
    terms: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def nbytes(self) -> int:
        """Bytes of the values alone: k x 2 in float16 for each image."""
        return self.values.numel() * self.values.element_size()

    @property
    def metric(self) -> str:
        """Name of the metric that made the descriptor."""
        return str(self.terms["metric"])

    def options(self) -> dict[str, Any]:
        """Return the options with which `create_metric` makes the receiver's metric.

        Files of weights and of a fitted projection lie elsewhere there, and have to be added;
        `ReducedReferenceMetric.check` tells whether they are the same.
        """
        terms = self.terms
        pooling, projection = terms["pooling"], terms["projection"]
        seed = {"seed": projection["seed"]} if projection["kind"] == "seeded" else {}
        return {
            "values": terms["values"],
            "layers": terms["layers"],
            "resize": terms["protocol"]["resize"],
            "precision": terms["backbone"]["precision"],
            "readout_options": {
                "pooling": pooling["statistics"],
                "transform": pooling["transform"],
                "type": terms["type"],
                **seed,
            },
        }

    def manifest(self) -> dict[str, Any]:
        """Return what the values depend on, as plain values."""
        height, width = self.size
        return {**self.terms, "width": width, "height": height, "bytes": self.nbytes}

    def to_json(self) -> str:
        """Write the descriptor as text that people can read; values come back to the bit."""
        document = {**self._document(), "sha256": _digest(self._document())}
        return _NUMBERS.sub(_in_one_line, json.dumps(document, indent=2)) + "\n"

    def _document(self) -> dict[str, Any]:
        height, width = self.size
        # The shortest decimal that rounds to the value in its own type: 0.1, not 0.0999755859375.
        rows = [[float(str(value)) for value in row] for row in self.values.cpu().numpy()]
        return {
            _MARK: VERSION,
            "image": {"width": width, "height": height},
            "bytes": self.nbytes,
            "values": rows,
            "terms": dict(self.terms),
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the descriptor to a file of JSON, whole or not at all; folders are made."""
        replace_file(path, self.to_json())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a descriptor from a file.

        Parameters
        ----------
        path
            File that `save` wrote.

        Returns
        -------
        Descriptor
            Equal to the one that was saved, to the bit.

        Raises
        ------
        MetricError
            The file cannot be read, is no descriptor, or was changed after it was written.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = reason_text(error)
            raise MetricError(f"{path}: cannot be read as a descriptor: {reason}.") from error
        return cls.from_json(text, name=str(path))

    @classmethod
    def from_json(cls, text: str, *, name: str = "descriptor") -> Self:
        """Read a descriptor from the text that `to_json` wrote.

        Parameters
        ----------
        text
            The document.
        name
            What messages call it.

        Returns
        -------
        Descriptor
            Equal to the one that was written, to the bit.

        Raises
        ------
        MetricError
            The text is no descriptor, or was changed after it was written.
        """
        document = _parsed(text, name)
        digest = document.pop("sha256", None)
        try:
            intact = digest == _digest(document)
            values = _values(document["values"], document["terms"])
            size = int(document["image"]["height"]), int(document["image"]["width"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise MetricError(f"{name}: is no whole descriptor: {error!r}.") from error
        if not intact:
            raise MetricError(
                f"{name}: the descriptor was changed after it was written (its sha256 does not "
                "fit); ask the sender for it again."
            )
        return cls(values, size, document["terms"])


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Name the terms in which two sides differ: ``values: 8 there, 16 here``."""
    first, second = dict(_flat(there)), dict(_flat(here))
    return [
        f"{name}: {_short(first.get(name))} there, {_short(second.get(name))} here"
        for name in dict.fromkeys([*first, *second])
        if first.get(name) != second.get(name)
    ]


def _in_one_line(numbers: re.Match[str]) -> str:
    return f"[{' '.join(numbers[1].split())}]"


def _flat(terms: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in terms.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{text[:12]}..." if len(text) == 64 and " " not in text else text


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise MetricError(f"{name}: is no JSON: {error}.") from error
    if not isinstance(document, dict) or _MARK not in document:
        raise MetricError(
            f"{name}: is no descriptor: expected a JSON object with {_MARK!r}, as `snellen "
            "describe` writes it."
        )
    if document[_MARK] != VERSION:
        raise MetricError(
            f"{name}: is a descriptor of version {document[_MARK]!r}; this Snellen reads version "
            f"{VERSION}."
        )
    return document


def _values(rows: Any, terms: Mapping[str, Any]) -> Tensor:
    kind, count = terms["type"], terms["values"]
    with np.errstate(over="ignore"):
        array = np.asarray(rows, dtype=np.float64).astype(_NUMPY[kind])
    if array.ndim != 2 or array.shape[1] != count or not len(array):
        raise ValueError(f"expected rows of {count} values, found the shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"a value is not finite in {kind}")
    return torch.from_numpy(array)


def _digest(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def check_finite(values: Tensor, kind: str) -> Tensor:
    """Refuse values that their type cannot hold."""
    if not bool(values.isfinite().all()):
        raise MetricError(
            f"a value of the descriptor lies outside of {kind} (largest "
            f"{torch.finfo(VALUE_TYPES[kind]).max:g}); use readout_options="
            '{"type": "float32"}, or a projection of smaller scale.'
        )
    return values
