"""Rank correlation of many columns under the same resamples of contents."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen.agreement._bootstrap import Estimate, Resampling

Array = NDArray[np.float64]

# Why not rank every resample anew, as `agree` does: an exam correlates hundreds of columns (layers,
# random sets of channels) under the same thousand resamples. With n_k the number of times content
# k was drawn, a rank is linear in n, and so the covariance of two columns of ranks is a cubic form
# in n with K^3 coefficients. One pass over the images makes the coefficients of a column; all its
# resamples are then one matrix product, paired over columns by themselves. Measured: a tenth of the
# time at 9 to 25 contents, the same at 40 of 25 images each; at 81 it costs more than ranking.
_CHUNK = 1 << 22


class Drawn(NamedTuple):
    """A statistic of every column, and the same under every set of counts.

    Parameters
    ----------
    values
        (M,).
    draws
        (M, B + K): B resamples, then each of K contents left out in turn.
    """

    values: Array
    draws: Array


class RankAgreement:
    """SRCC of columns of distances with human scores, resampled together.

    Where n counts how often each content was drawn, image i stands above ``sum_k n_k b_ki``
    images, with b the images of content k that lie below it. Ranks are linear in n, so that
    covariances of ranks are cubic forms in n, made once per column for all resamples.

    Parameters
    ----------
    quality
        (N,), human scores; high means good.
    contents
        (N,), content of each image.
    resampling
        How intervals are made.
    """

    def __init__(self, quality: ArrayLike, contents: ArrayLike, resampling: Resampling) -> None:
        self._how = resampling
        labels = np.asarray(contents).astype(np.str_)
        names = np.unique(labels)
        self._members = [np.flatnonzero(labels == name) for name in names]
        self._counts = self._all_counts(len(names))
        self._people = self._table(np.asarray(quality, dtype=np.float64))
        self._spread = self._evaluate(self._form(self._people, self._people)[None])

    def __call__(self, distances: ArrayLike) -> Drawn:
        """Correlate every column of distances (N, M) with quality, low distances meaning good.

        A column of one value tells nothing about quality: its correlation counts as 0.
        """
        columns = -np.asarray(distances, dtype=np.float64).T
        step = max(1, _CHUNK // len(self._members) ** 3)
        parts = [self._correlate(columns[i : i + step]) for i in range(0, len(columns), step)]
        found = np.concatenate(parts)
        return Drawn(found[:, 0], found[:, 1:])

    def estimate(self, value: float, draws: Array) -> Estimate:
        """Return a value with the interval of its draws, or of a function of several draws."""
        if not len(draws):
            return Estimate(float(value))
        split = self._how.resamples
        return self._how.ends(float(value), draws[:split], lambda: draws[split:])

    def _all_counts(self, contents: int) -> Array:
        """Each content once; then the resamples; then each content left out."""
        once = np.ones((1, contents))
        if contents < 2 or self._how.resamples == 0:
            return once
        left_out = np.ones((contents, contents)) - np.eye(contents)
        return np.concatenate([once, self._how.counts(contents), left_out])

    def _correlate(self, columns: Array) -> Array:
        tables = [self._table(column) for column in columns]
        joint = self._evaluate(np.stack([self._form(one, self._people) for one in tables]))
        own = self._evaluate(np.stack([self._form(one, one) for one in tables]))
        scale = np.sqrt((own * self._spread).clip(0))
        return np.asarray(np.where(scale > 0, joint / np.where(scale > 0, scale, 1), 0.0))

    def _table(self, x: Array) -> Array:
        """(K, N): how many of content k lie below image i, ties by halves, less half of all."""
        rows = []
        for members in self._members:
            own = np.sort(x[members])
            below = np.searchsorted(own, x, "left") + np.searchsorted(own, x, "right")
            rows.append((below - len(own)) / 2)
        return np.stack(rows)

    def _form(self, a: Array, b: Array) -> Array:
        """(K * K * K,): the cubic form whose value at counts is the covariance of ranks."""
        return np.concatenate([(a[:, own] @ b[:, own].T).ravel() for own in self._members])

    def _evaluate(self, forms: Array) -> Array:
        rows = max(1, _CHUNK // forms.shape[1])
        parts = []
        for i in range(0, len(self._counts), rows):
            n = self._counts[i : i + rows]
            cubes = np.einsum("bc,bd,be->bcde", n, n, n).reshape(len(n), -1)
            parts.append(forms @ cubes.T)
        return np.concatenate(parts, axis=1)
