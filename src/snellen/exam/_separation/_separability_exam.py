"""What a separability exam found: rows, pairs of types, confusions, projections."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from snellen.agreement import Estimate, Resampling, bootstrap_mean
from snellen.errors import MetricError
from snellen.exam._separation._descriptors import Descriptors
from snellen.exam._separation._labelled import Labelled
from snellen.exam._separation._separation import Outcome, Setting
from snellen.metrics import Protocol
from snellen.records import Row

Numbers = NDArray[np.float64]

_OPTIONS = ("pooling", "difference", "normalize", "components", "neighbors")
_KEY = ("network", "layer", *_OPTIONS)


@dataclass(frozen=True)
class Confusion:
    """How often images of each type were taken for each type.

    Parameters
    ----------
    types
        Names.
    counts
        (T, T): row = true type, column = answer.
    """

    types: tuple[str, ...]
    counts: NDArray[np.intp]

    def rows(self) -> list[Row]:
        """Return a row per true type, a column per answer."""
        return [
            {"type": kind, **dict(zip(self.types, counts.tolist(), strict=True))}
            for kind, counts in zip(self.types, self.counts, strict=True)
        ]


@dataclass(frozen=True)
class PlaneProjection:
    """Images as points in two principal components of a layer.

    Parameters
    ----------
    points
        (N, 2).
    type, severity, content
        Of every image.
    explained
        Share of the variance along each of the two.
    row
        The layer and its setting.
    """

    points: Numbers
    type: NDArray[np.str_]
    severity: Numbers
    content: NDArray[np.str_]
    explained: tuple[float, float]
    row: Row

    def rows(self) -> list[Row]:
        """Return a row per image."""
        columns = (self.type, self.severity, self.content, self.points)
        return [
            {"type": str(t), "level": float(s), "content": str(c), "x": float(x), "y": float(y)}
            for t, s, c, (x, y) in zip(*columns, strict=True)
        ]


@dataclass(frozen=True)
class SeparabilityExam:
    """How well layers separate types of distortion; made by `separability`.

    Parameters
    ----------
    outcomes
        One per network, layer and combination of options.
    data
        Labels of the images.
    descriptors
        Of every image at every layer, by network.
    networks
        Manifest of every network by its label.
    resize
        Rule of the protocol.
    """

    outcomes: tuple[Outcome, ...]
    data: Labelled
    descriptors: Mapping[str, Descriptors]
    networks: Mapping[str, Any]
    resize: str

    @property
    def rows(self) -> tuple[Row, ...]:
        """A row per network, layer, pooling, difference, normalization, components, neighbors.

        ``accuracy`` is the share of images whose type is that of their nearest neighbors among
        other contents, ``accuracy_level_1`` the same of images of level 1, ``level_accuracy`` and
        ``level_within_one`` that of right levels (or next to right), each with ``_low`` and
        ``_high``, a bootstrap interval over contents, and the accuracy of always giving the same
        answer (``chance``). ``silhouette``, ``davies_bouldin`` (low is good) and
        ``calinski_harabasz`` are of the types, unsupervised.
        """
        return tuple(one.row for one in self.outcomes)

    def best(self, network: str | None = None, *, statistic: str = "accuracy", **where: Any) -> Row:
        """Return the row with the highest (of Davies-Bouldin, the lowest) statistic.

        The row is chosen on the images on which its numbers are reported: a little optimistic.

        Parameters
        ----------
        network
            Its label; all networks by default.
        statistic
            Name of a column.
        **where
            Values that other columns must have, such as ``difference=True``.

        Raises
        ------
        MetricError
            No row is so.
        """
        wanted = where | ({} if network is None else {"network": network})
        own = [row for row in self.rows if all(row.get(k) == v for k, v in wanted.items())]
        if not own or statistic not in own[0]:
            asked = ", ".join(f"{k}={v!r}" for k, v in wanted.items())
            raise MetricError(
                f"The exam has no row with {asked or 'any value'} and a column {statistic!r}; "
                f"networks: {', '.join(self.networks)}."
            )
        sign = -1.0 if statistic == "davies_bouldin" else 1.0
        return max(own, key=lambda row: float(np.nan_to_num(sign * row[statistic], nan=-np.inf)))

    def lead(self, row: Row, other: Row, *, resampling: Resampling | None = None) -> Estimate:
        """Return the accuracy of one row minus that of another, with a paired interval."""
        right = [self._outcome(one).types == self._codes() for one in (row, other)]
        gap = right[0].astype(np.float64) - right[1]
        return bootstrap_mean(gap, groups=self.data.content, resampling=resampling)

    def pairs(self, row: Row | None = None, *, by: str = "silhouette") -> list[Row]:
        """Find for every pair of types the layer that separates it best.

        Parameters
        ----------
        row
            Network and options under which layers are compared; by default those of `best`.
        by
            ``"silhouette"``, of the two types; or ``"accuracy"``: how many images of either type
            are nearer to their own type than to the other one, in other contents, which is the
            same at many layers. The other one decides between equals.

        Returns
        -------
        list of dict
            Per pair: both types, layer, depth, accuracy, silhouette, and how many layers reach
            the same value (``equals``).

        Raises
        ------
        MetricError
            `by` is something else, or the exam has no such row.

        Notes
        -----
        Silhouettes fall with the number of dimensions, and layers differ in theirs: take a row of
        few components to compare layers, such as 8.
        """
        if by not in ("accuracy", "silhouette"):
            raise MetricError(f"pairs are compared by accuracy or silhouette, not {by!r}.")
        row = self.best() if row is None else row
        same = {name: row[name] for name in ("network", *_OPTIONS)}
        layers = [one for one in self.outcomes if same.items() <= one.row.items()]
        if not layers:
            raise MetricError(f"The exam has no rows with {same}.")
        values = np.stack([getattr(one, by) for one in layers])
        second = "silhouette" if by == "accuracy" else "accuracy"
        others = np.stack([getattr(one, second) for one in layers])
        kinds = self.types
        found = []
        for a, b in zip(*np.triu_indices(len(kinds), 1), strict=True):
            order = np.lexsort((-others[:, a, b], -values[:, a, b]))
            first = layers[order[0]]
            found.append(
                {"network": row["network"], "type": kinds[a], "other": kinds[b]}
                | {name: first.row[name] for name in ("layer", "depth", "relative_depth")}
                | {name: float(getattr(first, name)[a, b]) for name in ("accuracy", "silhouette")}
                | {"equals": int((values[:, a, b] == values[order[0], a, b]).sum())}
            )
        return found

    def confusion(self, row: Row | None = None) -> Confusion:
        """Count which types were taken for which.

        Parameters
        ----------
        row
            One of `rows`; `best` by default.
        """
        answers = self._outcome(self.best() if row is None else row).types
        counts = np.zeros((len(self.types), len(self.types)), dtype=np.intp)
        np.add.at(counts, (self._codes(), answers), 1)
        return Confusion(self.types, counts)

    def projection(self, row: Row | None = None) -> PlaneProjection:
        """Return two-dimensional coordinates of all images.

        Parameters
        ----------
        row
            One of `rows`, whose layer, pooling, difference and normalization are taken; `best` by
            default.
        """
        row = self._outcome(self.best() if row is None else row).row
        setting = Setting(row["pooling"], row["difference"], row["normalize"])
        x = setting.vectors(self.descriptors[row["network"]], row["layer"])
        principal = setting.components(x, 2)
        points, variances = np.zeros((len(x), 2)), np.zeros(2)
        used = len(principal.variances)
        points[:, :used] = principal(x)
        variances[:used] = principal.variances / (principal.total or 1.0)
        shares = (float(variances[0]), float(variances[1]))
        data = self.data
        return PlaneProjection(points, data.type, data.severity, data.content, shares, row)

    @property
    def types(self) -> tuple[str, ...]:
        """Names of all types, in order."""
        return tuple(np.unique(self.data.type).tolist())

    def to_table(self) -> Any:
        """Return the rows as an Arrow table."""
        import pyarrow

        return pyarrow.Table.from_pylist(list(self.rows))

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again, as plain values."""
        swept = {name: list(dict.fromkeys(row[name] for row in self.rows)) for name in _OPTIONS}
        return {
            "exam": "separability",
            "data": {"name": self.data.name, "images": len(self.data), **self.data.facts},
            "protocol": Protocol(self.resize).manifest(),
            "options": swept,
            "networks": dict(self.networks),
            "torch": torch.__version__,
        }

    def _codes(self) -> NDArray[np.intp]:
        return np.asarray(np.unique(self.data.type, return_inverse=True)[1])

    def _outcome(self, row: Row) -> Outcome:
        wanted = {name: row[name] for name in _KEY}
        for one in self.outcomes:
            if wanted.items() <= one.row.items():
                return one
        raise MetricError(f"The exam has no row with {wanted}.")
