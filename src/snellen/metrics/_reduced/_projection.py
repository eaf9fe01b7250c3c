"""From pooled features to the few numbers of a descriptor: a linear map, fitted or seeded."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snellen.backbones import read_words
from snellen.errors import MetricError, WeightsError
from snellen.metrics._fitted_files import read_fitted, shipped_file, write_fitted

_FORMAT = "snellen projection 1"


@dataclass(frozen=True, eq=False)
class Projection:
    """A linear map of pooled features: ``(features - centre) @ matrix``.

    Parameters
    ----------
    centre
        (D,), what is subtracted; it cancels in distances and keeps transmitted values small.
    matrix
        (D, K), columns in order of weight: k values are made by the first k.
    terms
        What identifies the map in manifests.
    made_for
        What a fitted map belongs to: backbone, layers, pooling. Empty where it fits anything.
    fit
        How it was fitted. Not among the terms: the hash of its numbers says more.
    """

    centre: Tensor
    matrix: Tensor
    terms: Mapping[str, Any]
    made_for: Mapping[str, Any] = field(default_factory=dict)
    fit: Mapping[str, Any] = field(default_factory=dict)

    @property
    def most_values(self) -> int:
        """Largest number of values that the map can make."""
        return self.matrix.shape[1]

    def __call__(self, features: Tensor, values: int) -> Tensor:
        """Map pooled features (N, D) to values (N, k) in float32."""
        centre, matrix = self.centre.to(features), self.matrix[:, :values].to(features)
        return ((features - centre) @ matrix).float()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the map to a file, for ``create_metric(..., projection=FILE)``.

        Parameters
        ----------
        path
            The file; ``.safetensors`` is usual. Folders are made.
        """
        metadata = {
            "format": _FORMAT,
            "made_for": json.dumps(dict(self.made_for)),
            "fit": json.dumps(dict(self.fit)),
        }
        write_fitted(path, {"centre": self.centre, "matrix": self.matrix}, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Projection":
        """Read a map that `save` wrote.

        Raises
        ------
        WeightsError
            The file cannot be read, or holds something else.
        """
        metadata, tensors = read_fitted(path, "a projection")
        if metadata.get("format") != _FORMAT or not {"centre", "matrix"} <= set(tensors):
            raise WeightsError(
                f"{path}: is no projection: expected what `fit_projection(...).save` writes, found "
                f"tensors {', '.join(tensors) or 'none'}."
            )
        centre, matrix = tensors["centre"], tensors["matrix"]
        if matrix.ndim != 2 or centre.shape != matrix.shape[:1] or 0 in matrix.shape:
            raise WeightsError(
                f"{path}: is no projection: expected centre (D,) and matrix (D, K), found "
                f"{tuple(centre.shape)} and {tuple(matrix.shape)}."
            )
        made, fit = (read_words(metadata, key, path, "a projection") for key in ("made_for", "fit"))
        return fitted_projection(tensors["centre"], tensors["matrix"], made, fit)


def seeded_projection(size: int, values: int, seed: int) -> Projection:
    """Make a random projection without data, the same to the bit on every machine.

    Rows and signs of a Hadamard matrix are drawn by the seed (the subsampled randomised Hadamard
    transform of Ailon and Chazelle, STOC 2006): directions as good as independent ones, so that
    distances are kept on average, with a relative spread of about the root of 2 / `values`.

    Parameters
    ----------
    size
        Number of pooled features.
    values
        Number of values to make of them.
    seed
        Same seed, same map; fewer values are the first of more, but for their scale.

    Returns
    -------
    Projection
        Whose distances estimate those of the pooled features.

    Raises
    ------
    MetricError
        There are fewer features than values.
    """
    check_values(values, size)
    order = 1 << (size - 1).bit_length()
    generator = np.random.default_rng(seed)
    signs = 2 * generator.integers(0, 2, size) - 1
    rows = generator.permutation(order)[:values]
    matrix = torch.from_numpy(signs[:, None] * _hadamard(size, rows) / np.sqrt(values))
    return Projection(
        torch.zeros(size, dtype=torch.float64), matrix, {"kind": "seeded", "seed": seed}
    )


def _hadamard(size: int, columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first rows of some columns of a Hadamard matrix: (-1) to the popcount of i & j."""
    bits = np.arange(size)[:, None] & columns
    for shift in (16, 8, 4, 2, 1):
        bits ^= bits >> shift
    return 1 - 2 * (bits & 1)


def fitted_projection(
    centre: Tensor, matrix: Tensor, made_for: Mapping[str, Any], fit: Mapping[str, Any]
) -> Projection:
    """Name a fitted map by the hash of its numbers, which are rounded to float32."""
    centre, matrix = centre.float(), matrix.float().contiguous()
    terms = {"kind": "fitted", "sha256": _sha256(centre, matrix)}
    return Projection(centre, matrix, terms, made_for, fit)


def shipped_projection(name: str) -> Projection:
    """Read a map that comes with the package."""
    return Projection.load(shipped_file(name))


def check_values(values: object, most: int) -> None:
    """Refuse a number of values that no map can make."""
    if isinstance(values, bool) or not isinstance(values, int) or not 1 <= values <= most:
        raise MetricError(
            f"values must be a whole number from 1 to {most}, which is what these layers and "
            f"their projection have; got {values!r}."
        )


def _sha256(*tensors: Tensor) -> str:
    return hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in tensors)).hexdigest()
