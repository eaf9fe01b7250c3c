"""Principal components, and distances in the first few, in the next few, and so on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Principal:
    """Principal components of a set of vectors; made by `fit_principal`.

    Parameters
    ----------
    mean, scale
        (D,): what is subtracted from vectors, and what they are divided by.
    axes
        (D, k), orthonormal; the largest entry of each is positive.
    variances
        (k,), along the axes, largest first.
    total
        Variance along all axes.
    """

    mean: Numbers
    scale: Numbers
    axes: Numbers
    variances: Numbers
    total: float

    def __call__(self, x: ArrayLike) -> Numbers:
        """Return coordinates (N, k) of vectors (N, D)."""
        return np.asarray((np.asarray(x, dtype=np.float64) - self.mean) / self.scale @ self.axes)

    @property
    def explained(self) -> Numbers:
        """Share of the variance in the first 1, 2, ..., k components; 1 where there is none."""
        share = np.cumsum(self.variances) / (self.total if self.total > 0 else 1.0)
        return share if self.total > 0 else np.ones_like(share)


def fit_principal(x: ArrayLike, k: int, *, standardize: bool = False) -> Principal:
    """Find the principal components of vectors.

    Parameters
    ----------
    x
        Vectors (N, D).
    k
        Number of components; fewer where the vectors do not have as many.
    standardize
        Bring every column to unit variance first (z-score); constant columns stay.

    Returns
    -------
    Principal
        With min(k, D, N - 1) axes, at least one.

    Examples
    --------
    >>> found = fit_principal([[0, 0], [2, 2], [4, 4]], 2)
    >>> found.axes[:, 0].round(3).tolist(), found.explained.round(3).tolist()
    ([0.707, 0.707], [1.0, 1.0])
    """
    x = np.asarray(x, dtype=np.float64)
    mean = x.mean(0)
    scale = np.ones_like(mean)
    if standardize:
        deviation = x.std(0)
        # Columns that vary by rounding only must not be blown up.
        varies = deviation > 1e-9 * np.maximum(1e-30, np.abs(x).max(0, initial=0.0))
        scale = np.where(varies, deviation, 1.0)
    y = (x - mean) / scale
    count, width = y.shape
    k = max(1, min(k, width, count - 1))
    wide = width > count
    products = y @ y.T if wide else y.T @ y
    first = len(products) - k
    values, vectors = scipy.linalg.eigh(products, subset_by_index=[first, len(products) - 1])
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    axes = _orthonormal(y.T @ vectors) if wide else vectors
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(k)])
    return Principal(mean, scale, axes, values / count, float((y * y).sum() / count))


def _orthonormal(columns: Numbers) -> Numbers:
    """Make axes of y'u; those along which nothing varies are zero, not noise."""
    lengths = np.linalg.norm(columns, axis=0)
    real = lengths > 1e-10 * max(lengths.max(), 1e-300)
    return np.asarray(np.where(real, columns / np.where(real, lengths, 1.0), 0.0))


def unit_length(x: ArrayLike) -> Numbers:
    """Divide vectors (N, D) by their lengths; zero stays zero."""
    x = np.asarray(x, dtype=np.float64)
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.where(lengths > 0, lengths, 1.0))


def growing_distances(
    x: Numbers, y: Numbers, components: Sequence[int]
) -> Iterator[tuple[int, Numbers]]:
    """Yield squared distances (N, M) in the first k coordinates, for every k in ascending order.

    The array is the same each time, and grows: copy what is to last.
    """
    squared = np.zeros((len(x), len(y)))
    start = 0
    for k in sorted(set(components)):
        a, b = x[:, start:k], y[:, start:k]
        squared += (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
        np.maximum(squared, 0.0, out=squared)
        start = k
        yield k, squared
