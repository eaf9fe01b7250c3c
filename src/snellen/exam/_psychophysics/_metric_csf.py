"""What psychophysics on a metric found: tables, and how far it is from people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from snellen.metrics import Metric
from snellen.records import Row
from snellen.vision import Grating

_CARDINAL, _OBLIQUE = (0.0, 90.0), (45.0, 135.0)
_FEWEST = 3


@dataclass(frozen=True)
class MetricCSF:
    """Contrast thresholds of a metric.

    Attributes
    ----------
    metric
        What was asked.
    rows
        One a condition: ``color``, ``orientation`` (None for rings), ``frequency``;
        ``threshold`` in the encoding of the stimulus and in code values, luminance and cones;
        ``sensitivity``, `multiple` over the contrast in the cones; ``human_sensitivity``;
        ``status`` (``found``, ``above`` or ``below`` the contrasts that can be shown, or a
        ``jump``) and whether the distance is ``monotone`` in contrast.
    criterion
        The distance that is reached at threshold.
    anchor
        The grating that set the criterion; None if it was given.
    multiple
        Contrast of the anchor over the human threshold.
    phases
        Number of phases over which distances were averaged.
    human
        Name of the human curve.
    luminance
        cd/m2 of the grey for the human curve.
    """

    metric: Metric
    rows: list[Row]
    criterion: float
    anchor: Grating | None
    multiple: float
    phases: int
    human: str
    luminance: float

    def to_table(self) -> Any:
        """Return the rows as a `pyarrow.Table`."""
        import pyarrow

        return pyarrow.Table.from_pylist(self.rows, schema=_schema(self.rows))

    def agreement(self, color: str = "achromatic") -> Row:
        """Compare the curve with people's, over frequencies.

        Parameters
        ----------
        color
            Which rows.

        Returns
        -------
        dict
            ``n``, the number of frequencies with a threshold; ``pearson``, correlation of log
            sensitivities (None below 3 frequencies, or for a flat curve); ``rms``, root mean
            square of the difference of log10 sensitivities; ``rms_shape``, that after the best
            factor. Sensitivities of several orientations are averaged as logarithms.
        """
        own, people = self._curves(color)
        gap = own - people
        n = len(gap)
        spread = min(np.ptp(own), np.ptp(people)) if n else 0.0
        correlated = n >= _FEWEST and spread > 1e-2
        return {
            "n": n,
            "pearson": float(np.corrcoef(own, people)[0, 1]) if correlated else None,
            "rms": float(np.sqrt(np.square(gap).mean())) if n else None,
            "rms_shape": float(gap.std()) if n else None,
        }

    def _curves(self, color: str) -> "tuple[np.ndarray, np.ndarray]":
        by_frequency: dict[float, list[Row]] = {}
        for row in self.rows:
            if row["color"] == color and row["sensitivity"] is not None:
                by_frequency.setdefault(row["frequency"], []).append(row)
        means = [
            [np.log10([row[key] for row in rows]).mean() for rows in by_frequency.values()]
            for key in ("sensitivity", "human_sensitivity")
        ]
        return np.array(means[0]), np.array(means[1])

    def oblique_effect(self, color: str = "achromatic") -> list[Row]:
        """Compare sensitivity to oblique gratings with that to upright and level ones.

        Parameters
        ----------
        color
            Which rows.

        Returns
        -------
        list of dict
            ``frequency`` and ``ratio`` (geometric mean at 45 and 135 degrees over that at 0 and
            90; people: below 1), for frequencies at which all four thresholds were found.
        """
        found = {
            (row["frequency"], row["orientation"]): row["sensitivity"]
            for row in self.rows
            if row["color"] == color and row["sensitivity"] is not None
        }
        rows = []
        for f in dict.fromkeys(row["frequency"] for row in self.rows):
            if all((f, angle) in found for angle in (*_CARDINAL, *_OBLIQUE)):
                oblique, cardinal = (
                    np.log([found[f, a] for a in angles]).mean() for angles in (_OBLIQUE, _CARDINAL)
                )
                rows.append({"frequency": f, "ratio": float(np.exp(oblique - cardinal))})
        return rows

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again."""
        return {
            "metric": self.metric.manifest(),
            "criterion": self.criterion,
            "anchor": None if self.anchor is None else self.anchor.manifest(),
            "multiple": self.multiple,
            "phases": self.phases,
            "human": self.human,
            "luminance": self.luminance,
        }


@dataclass(frozen=True)
class MaskingCurve:
    """Thresholds of a target on masks of increasing contrast.

    Attributes
    ----------
    metric
        What was asked.
    rows
        ``mask_contrast``, ``threshold``, ``relative_threshold`` (over that on the blank field),
        ``status`` and ``monotone``.
    criterion
        The distance that is reached at threshold.
    anchor
        The grating that set the criterion; None if it was given.
    target, mask
        The gratings, at contrast 0.
    phases
        Number of phases over which distances were averaged.
    """

    metric: Metric
    rows: list[Row]
    criterion: float
    anchor: Grating | None
    target: Grating
    mask: Grating
    phases: int

    def to_table(self) -> Any:
        """Return the rows as a `pyarrow.Table`."""
        import pyarrow

        return pyarrow.Table.from_pylist(self.rows, schema=_schema(self.rows))

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again."""
        return {
            "metric": self.metric.manifest(),
            "criterion": self.criterion,
            "anchor": None if self.anchor is None else self.anchor.manifest(),
            "target": self.target.manifest(),
            "mask": self.mask.manifest(),
            "phases": self.phases,
        }


def _schema(rows: Sequence[Row]) -> Any:
    """Type the columns; those in which nothing was found hold numbers, too."""
    import pyarrow

    kinds = {str: pyarrow.string(), bool: pyarrow.bool_()}
    first = rows[0] if rows else {}
    return pyarrow.schema(
        [(name, kinds.get(type(value), pyarrow.float64())) for name, value in first.items()]
    )
