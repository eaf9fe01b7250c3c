"""Which gratings the tuning of a network is measured with."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from typing import Any

import numpy as np

from snellen.errors import ImageError
from snellen.vision import COLORS, Grating, Viewing

_LOWEST, _HIGHEST, _RINGS = 0.1, 30.0, 48
_PER_OCTAVE, _STEPS = 3, 16

DEFAULT_SIZE = 224
"""Side of the stimuli in pixels where neither a caller nor the network says."""


@dataclass(frozen=True)
class Presentation:
    """One series of gratings, shown at several phases each.

    Parameters
    ----------
    name
        Such as ``"rings"``.
    shape
        How the gratings are laid out: lengths of the axes.
    gratings
        In that order.
    phases
        At how many evenly spaced phases each is shown; responses are averaged over them.
    """

    name: str
    shape: tuple[int, ...]
    gratings: tuple[Grating, ...]
    phases: int = 1

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.gratings) * self.phases


@dataclass(frozen=True)
class TuningStimuli:
    r"""The gratings of the tuning exam.

    Of the published stimuli (`rings`, `bars`) the paper states the ranges, 0.1 to 30 cycles per
    degree and -90 to 90 degrees, and that contrast is fixed; the scale of its numbers gives away
    the step of one degree. Size, contrast, mean, phase, and number and spacing of frequencies
    are not stated: those defaults are ours.

    Parameters
    ----------
    viewing
        Pixels per degree.
    ring_frequencies
        Of the concentric gratings, cycles per degree; by default 48 from 0.1 to 30 (or to the
        limit of the pixels), evenly spaced in octaves.
    bar_frequency
        Of the oriented gratings of `bars`: the peak of the CSF that the paper plots.
    bar_step
        Degrees between those, from -90 to 90.
    frequencies
        Of the oriented gratings of the grid, cycles per degree; by default 16, a third of an
        octave apart, up to a third below the limit of the pixels.
    orientations
        Of the grid: directions of the wave vector in degrees (0: vertical bars; clockwise on
        screen), evenly spaced over 180.
    contrast
        Of everything but the contrast series.
    contrasts
        Of the contrast series.
    color
        Of everything but the colour series.
    colors
        Of the colour series.
    phases
        Number of phases of rings and of the grid, at least 3.
    mean
        Code value of the grey about which gratings swing.
    size
        Pixels: one number for a square, or height and width; None for what the network takes,
        or 224.
    encoding
        Sinusoids of ``"code"`` values or of ``"linear"`` light.

    Raises
    ------
    ImageError
        A series is too short, not growing, or not evenly spaced, or a grating cannot be drawn.

    Examples
    --------
    >>> TuningStimuli().images, TuningStimuli().published_images
    (2486, 470)
    """

    viewing: Viewing = field(default_factory=Viewing)
    ring_frequencies: tuple[float, ...] | None = None
    bar_frequency: float = (1 - 0.0255) / 0.1252
    bar_step: float = 1.0
    frequencies: tuple[float, ...] | None = None
    orientations: tuple[float, ...] = tuple(range(0, 180, 15))
    contrast: float = 0.5
    contrasts: tuple[float, ...] = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
    color: str = "achromatic"
    colors: tuple[str, ...] = COLORS
    phases: int = 6
    mean: float = 0.5
    size: int | tuple[int, int] | None = None
    encoding: str = "code"

    def __post_init__(self) -> None:
        nyquist = self.viewing.nyquist
        if self.ring_frequencies is None:
            top = min(_HIGHEST, nyquist)
            rings = np.geomspace(_LOWEST, top, _RINGS)[:-1].tolist()
            object.__setattr__(self, "ring_frequencies", (*rings, top))
        if self.frequencies is None:
            steps = range(_STEPS, 0, -1)
            grid = tuple(nyquist * 2 ** (-k / _PER_OCTAVE) for k in steps)
            object.__setattr__(self, "frequencies", grid)
        for name, least in (("ring_frequencies", 3), ("frequencies", 3), ("contrasts", 3)):
            _need_growing(name, getattr(self, name), least)
        _need_even(self.orientations)
        if self.phases < 3 or not 0 < self.bar_step <= 30:
            raise ImageError(
                "TuningStimuli: expected at least 3 phases and 0 < bar_step <= 30; got "
                f"{self.phases!r} and {self.bar_step!r}."
            )

    @property
    def rings(self) -> Presentation:
        """Concentric gratings by frequency: those of the published frequency tuning."""
        frequencies = self.ring_frequencies or ()
        made = (self._grating(f, None) for f in frequencies)
        return Presentation("rings", (len(frequencies),), tuple(made), self.phases)

    @property
    def bars(self) -> Presentation:
        """Oriented gratings at the peak of the CSF: those of the published selectivity."""
        count = round(180 / self.bar_step) + 1
        frequency = min(self.bar_frequency, self.viewing.nyquist)
        made = (self._grating(frequency, angle) for angle in np.linspace(-90, 90, count).tolist())
        return Presentation("bars", (count,), tuple(made))

    @property
    def grid(self) -> Presentation:
        """Oriented gratings by frequency and orientation."""
        axes = (self.frequencies or (), self.orientations)
        made = (self._grating(f, angle) for f, angle in product(*axes))
        return Presentation("grid", tuple(map(len, axes)), tuple(made), self.phases)

    @property
    def coarse_orientations(self) -> tuple[float, ...]:
        """Every second orientation: those of the contrast and colour series."""
        return self.orientations[::2]

    @property
    def contrast_series(self) -> Presentation:
        """By contrast, frequency and orientation, at one phase."""
        axes = (self.contrasts, self.frequencies or (), self.coarse_orientations)
        made = (self._grating(f, angle, contrast=c) for c, f, angle in product(*axes))
        return Presentation("contrast", tuple(map(len, axes)), tuple(made))

    @property
    def color_series(self) -> Presentation:
        """By colour, frequency and orientation, at one phase."""
        axes: tuple[Sequence[Any], ...] = (
            self.colors,
            self.frequencies or (),
            self.coarse_orientations,
        )
        made = (self._grating(f, angle, color=color) for color, f, angle in product(*axes))
        return Presentation("color", tuple(map(len, axes)), tuple(made))

    @property
    def blank(self) -> Presentation:
        """The grey about which all gratings swing."""
        return Presentation("blank", (1,), (self._grating(0.0, 0.0, contrast=0.0),))

    @property
    def published(self) -> tuple[Presentation, ...]:
        """What perceptual efficacy follows from."""
        return self.rings, self.bars

    @property
    def everything(self) -> tuple[Presentation, ...]:
        """All series."""
        rest = (self.grid, self.contrast_series, self.color_series)
        return self.blank, *self.published, *rest

    @property
    def images(self) -> int:
        """Number of images of all series."""
        return sum(one.images for one in self.everything)

    @property
    def published_images(self) -> int:
        """Number of images that perceptual efficacy takes, with the uniform field."""
        return self.blank.images + sum(one.images for one in self.published)

    def manifest(self) -> dict[str, Any]:
        """Return the options as plain values."""
        return asdict(self)

    def _grating(self, frequency: float, orientation: float | None, **changes: Any) -> Grating:
        return Grating(
            **{
                "frequency": frequency,
                "orientation": orientation,
                "contrast": self.contrast,
                "color": self.color,
                "mean": self.mean,
                "encoding": self.encoding,
                "size": self.size or DEFAULT_SIZE,
                "viewing": self.viewing,
                **changes,
            }
        )


def _need_growing(name: str, values: Sequence[float], least: int) -> None:
    if len(values) < least or values[0] <= 0 or (np.diff(values) <= 0).any():
        raise ImageError(
            f"TuningStimuli: {name} must be at least {least} growing numbers above 0; got {values}."
        )


def _need_even(orientations: Sequence[float]) -> None:
    wanted = 180 / max(1, len(orientations))
    if len(orientations) < 4 or not np.allclose(np.diff(orientations), wanted):
        raise ImageError(
            "TuningStimuli: orientations must be at least 4, growing, evenly spaced over 180 "
            f"degrees without repeating the first; got {tuple(orientations)}."
        )
