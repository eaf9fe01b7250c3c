"""Measured human contrast thresholds: the castleCSF collection.

The folder is the user's own copy of the tables of castleCSF [1]_ (2,295 aggregated thresholds of
18 studies): ``data_aggregated.csv.gz``, ``color_directions.csv.gz`` and ``backgrounds.csv.gz``.

References
----------
.. [1] M. Ashraf, R. K. Mantiuk, A. Chapiro and S. Wuerger, "castleCSF - A contrast sensitivity
   function of color, area, spatiotemporal frequency, luminance and eccentricity", Journal of
   Vision 24(4), 2024.
"""

import os
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snellen.errors import DatasetError
from snellen.vision._cones import Array

_TABLES = ("data_aggregated", "color_directions", "backgrounds")
_NUMBERS = {
    "frequency": "s_frequency",
    "luminance": "luminance",
    "area": "area",
    "temporal_frequency": "t_frequency",
    "eccentricity": "eccentricity",
    "orientation": "orientation",
    "sensitivity": "sensitivity",
}
# How much more sensitive luminance and red-green are than blue-yellow, about. Without it, blue
# light that only luminance sees at threshold would count as blue-yellow.
_TYPICAL = np.array([1.0, 1.0, 0.07])
# Directions of other studies lie beside the axes, because whites and primaries differ.
_NEAR = 0.94


@dataclass(frozen=True)
class Thresholds:
    """Contrast thresholds of people, one entry each.

    Attributes
    ----------
    study
        Name of the study.
    stimulus
        ``grating``, ``gabor`` or ``disk``.
    frequency
        Cycles per degree; 0 for discs.
    luminance
        Of the background, cd/m2.
    area
        Of the stimulus in square degrees; pi sigma^2 for a Gaussian envelope.
    temporal_frequency
        Hz; 0 for what does not flicker.
    eccentricity
        Degrees from the middle of the visual field.
    orientation
        Degrees, as the collection gives them.
    sensitivity
        One over the threshold, in root-mean-square cone contrast: for achromatic stimuli the
        Michelson contrast of luminance.
    background
        (N, 3) responses of L, M and S to the background.
    cones
        (N, 3) Michelson contrasts of L, M and S at the threshold.
    """

    study: NDArray[np.str_]
    stimulus: NDArray[np.str_]
    frequency: Array
    luminance: Array
    area: Array
    temporal_frequency: Array
    eccentricity: Array
    orientation: Array
    sensitivity: Array
    background: Array
    cones: Array

    def __len__(self) -> int:
        """Return the number of thresholds."""
        return len(self.study)

    def select(self, chosen: NDArray[Any]) -> "Thresholds":
        """Return some of the thresholds, by a mask or by indices."""
        return replace(self, **{f.name: getattr(self, f.name)[chosen] for f in fields(self)})

    @property
    def static(self) -> NDArray[np.bool_]:
        """Which were measured with gratings that stand still in the middle of the visual field."""
        still = (self.temporal_frequency == 0) & (self.eccentricity == 0)
        return np.asarray(still & (self.frequency > 0))

    @property
    def color(self) -> NDArray[np.str_]:
        """Opponent direction of each: ``achromatic``, ``red-green``, ``blue-yellow``, ``mixed``.

        That of the mechanism that sees the stimulus best, unless others see it as well.
        """
        seen = np.abs(self.mechanisms) * _TYPICAL
        names = np.array(["achromatic", "red-green", "blue-yellow"])
        near = seen.max(axis=1) > _NEAR * np.linalg.norm(seen, axis=1)
        return np.where(near, names[seen.argmax(axis=1)], "mixed")

    @property
    def mechanisms(self) -> Array:
        """(N, 3) signals of three opponent mechanisms at the threshold; see `mechanism_signals`."""
        return mechanism_signals(self.cones, self.background)


def mechanism_signals(cones: Array, background: Array) -> Array:
    r"""Turn cone contrasts into the contrasts that three opponent mechanisms see.

    With :math:`c` the contrast of each cone and L, M its response to the background:
    luminance :math:`a = (L c_L + M c_M) / (L + M)`, red-green :math:`c_L - c_M`, and blue-yellow
    :math:`c_S - a`. An achromatic contrast is seen by the first alone, whole; DKL directions by
    one of the others each.

    Parameters
    ----------
    cones
        (N, 3) Michelson contrasts of L, M and S.
    background
        (N, 3) or (3,) responses of L, M and S to the background.

    Returns
    -------
    numpy.ndarray
        (N, 3) signed contrasts: luminance, red-green, blue-yellow.
    """
    weights = background[..., :2] / background[..., :2].sum(-1, keepdims=True)
    luminance = (cones[..., :2] * weights).sum(-1)
    return np.stack([luminance, cones[..., 0] - cones[..., 1], cones[..., 2] - luminance], axis=-1)


def load_castlecsf(folder: str | os.PathLike[str]) -> Thresholds:
    """Read the aggregated thresholds of the castleCSF collection.

    Parameters
    ----------
    folder
        Holds ``data_aggregated``, ``color_directions`` and ``backgrounds``, each as ``.csv.gz``
        or ``.csv``.

    Returns
    -------
    Thresholds
        All of them; `Thresholds.static` says which are of static foveal gratings.

    Raises
    ------
    DatasetError
        A table is missing or lacks a column, or names a colour that the others do not describe.
    """
    root = Path(folder)
    data, directions, backgrounds = (_read(root, name) for name in _TABLES)
    # Numbers of directions are not unique: two studies share some.
    steps = {
        (row["dataset"], row["col_dir_id"]): [row[f"{cone}_delta"] for cone in "LMS"]
        for row in directions
    }
    lights = {row["bkg_id"]: [row[cone] for cone in "LMS"] for row in backgrounds}
    try:
        step = np.array([steps[row["dataset"], row["col_dir_id"]] for row in data], dtype=float)
        background = np.array([lights[row["bkg_id"]] for row in data], dtype=float)
        numbers = {k: np.array([row[v] for row in data], float) for k, v in _NUMBERS.items()}
        study, stimulus = (np.array([row[k] for row in data]) for k in ("dataset", "stimulus"))
    except KeyError as error:
        raise DatasetError(
            f"{root}: the tables do not fit together: {error} is missing; expected the unchanged "
            "files of castleCSF."
        ) from error
    ratio = step / background
    unit = ratio / np.sqrt(np.square(ratio).mean(axis=1, keepdims=True))
    cones = unit / numbers["sensitivity"][:, None]
    return Thresholds(study, stimulus, **numbers, background=background, cones=cones)


def _read(root: Path, name: str) -> list[dict[str, Any]]:
    import pyarrow
    import pyarrow.csv

    for path in (root / f"{name}.csv.gz", root / f"{name}.csv"):
        if path.is_file():
            try:
                rows: list[dict[str, Any]] = pyarrow.csv.read_csv(path).to_pylist()
            except (pyarrow.ArrowInvalid, OSError) as error:
                raise DatasetError(f"{path}: not a table of castleCSF: {error}") from error
            return rows
    raise DatasetError(
        f"{root}: expected {name}.csv.gz or {name}.csv of the castleCSF collection; found neither."
    )
