r"""Gratings of stated frequency, contrast, mean and colour.

A grating of contrast :math:`c` about a grey of encoded value :math:`m` is, in each of R, G, B,

.. math:: v = m\,(1 + c\,d\,w(x, y)\cos(2\pi f u + \varphi))

with the direction :math:`d` in colour space (largest entry 1), the envelope :math:`w` and the
position :math:`u`: :math:`x\cos\theta + y\sin\theta` for an oriented grating, the distance from
the middle for concentric rings. x runs to the right and y **down**, from the middle of the image;
:math:`\theta` is the direction of the *wave vector*: 0 degrees has vertical bars, 90 horizontal
ones, and it grows clockwise on screen, as for the embedded network `gabor`.

``encoding`` says what :math:`v` and :math:`m` are:

* ``"code"``: sRGB code values, the numbers that a network is given. Opponent colours have
  constant luma (Rec. 709 weights on code values).
* ``"linear"``: linear light, in which contrast of eyes is defined; the result is then encoded as
  sRGB. Opponent colours are the DKL directions for CIE 2006 cones.

In both, `Grating.contrasts` reports the contrast in code values, in luminance and in the cones.
"""

import math
import warnings
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from snellen.errors import ImageError
from snellen.vision._cones import (
    LUMA,
    Array,
    cone_contrast,
    decode_srgb,
    encode_srgb,
    luma_directions,
    opponent_directions,
)
from snellen.vision._viewing import Viewing

Color = Literal["achromatic", "red-green", "blue-yellow"]
Encoding = Literal["code", "linear"]

COLORS: tuple[Color, ...] = ("achromatic", "red-green", "blue-yellow")
"""Colour directions of a grating."""

_DIRECTIONS = {"code": luma_directions(), "linear": opponent_directions()}
# Rounding of a frequency that was meant to be the limit is no reason to warn.
_SLACK = 1e-9


class AliasingWarning(UserWarning):
    """A grating is too fine for the pixels, which show another, coarser one."""


@dataclass(frozen=True)
class Grating:
    """A sinusoidal grating: what it is, and how it is drawn.

    Parameters
    ----------
    frequency
        Cycles per degree of visual angle; at 0 a uniform field, whose value the phase decides.
    orientation
        Direction of the wave vector in degrees (0: vertical bars; clockwise on screen), or None
        for concentric rings, which have all orientations.
    contrast
        Michelson contrast, 0 to 1, of that of R, G, B which is modulated most, in `encoding`.
    mean
        Code value of the grey about which the grating swings; in both encodings.
    phase
        Degrees; at 0 the middle of the image is brightest.
    color
        ``"achromatic"``, ``"red-green"`` or ``"blue-yellow"``; red and blue are bright at the
        middle.
    encoding
        ``"code"``: a sinusoid of sRGB code values; ``"linear"``: a sinusoid of light.
    sigma
        Standard deviation of a round Gaussian envelope in degrees of visual angle, which makes
        the grating a Gabor; None: the grating fills the image.
    size
        Pixels: one number for a square, or height and width.
    viewing
        Pixels per degree.

    Raises
    ------
    ImageError
        A value lies outside its range, or the grating does not fit into [0, 1]; it is never
        clipped.

    Examples
    --------
    >>> image = Grating(frequency=7.5, contrast=0.5, size=64).render()
    >>> image.shape, round(image.min().item(), 3), round(image.max().item(), 3)
    (torch.Size([3, 64, 64]), 0.269, 0.731)
    """

    frequency: float
    orientation: float | None = 0.0
    contrast: float = 0.5
    mean: float = 0.5
    phase: float = 0.0
    color: Color = "achromatic"
    encoding: Encoding = "code"
    sigma: float | None = None
    size: int | tuple[int, int] = 256
    viewing: Viewing = field(default_factory=Viewing)

    def __post_init__(self) -> None:
        if self.encoding not in _DIRECTIONS or self.color not in COLORS:
            raise ImageError(
                f"grating: expected a color of {', '.join(COLORS)} and the encoding 'code' or "
                f"'linear'; got {self.color!r} and {self.encoding!r}."
            )
        self._check_numbers()
        if self.contrast > self.largest_contrast + _SLACK:
            raise ImageError(
                f"grating: {self.color} contrast {self.contrast:g} about mean {self.mean:g} would "
                f"leave [0, 1] and is not clipped; the largest is {self.largest_contrast:.4g} "
                f"(encoding {self.encoding!r}). Lower the contrast or change the mean."
            )

    def _check_numbers(self) -> None:
        finite = (self.phase, self.orientation or 0.0, self.frequency, self.sigma or 1.0)
        if not all(map(math.isfinite, finite)) or self.frequency < 0:
            raise ImageError(
                f"grating: frequency must be at least 0, orientation, phase and sigma finite; got "
                f"{self.frequency!r}, {self.orientation!r}, {self.phase!r} and {self.sigma!r}."
            )
        if not 0 < self.mean < 1 or not 0 <= self.contrast <= 1:
            raise ImageError(
                f"grating: mean must lie between 0 and 1 and contrast in [0, 1]; got "
                f"{self.mean!r} and {self.contrast!r}."
            )
        if min(self.shape) < 1 or (self.sigma is not None and self.sigma <= 0):
            raise ImageError(
                f"grating: size and sigma must be positive; got {self.size!r} and {self.sigma!r}."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.size if isinstance(self.size, tuple) else (self.size, self.size)

    @property
    def area(self) -> float:
        """Square degrees: of the image, or pi sigma^2 under an envelope."""
        if self.sigma is not None:
            return math.pi * self.sigma**2
        height, width = self.shape
        return self.viewing.degrees(height) * self.viewing.degrees(width)

    @property
    def direction(self) -> Array:
        """Step of R, G, B at the bright phase, largest entry 1, in the encoding."""
        return _DIRECTIONS[self.encoding][self.color]

    @property
    def largest_contrast(self) -> float:
        """Highest contrast that stays inside [0, 1] at every phase."""
        middle = float(self._middle)
        return min(1.0, (1 - middle) / middle)

    @property
    def _middle(self) -> Array:
        return np.asarray(self.mean) if self.encoding == "code" else decode_srgb(self.mean)

    @property
    def limit(self) -> float:
        """Highest frequency, in cycles per degree, that the pixels hold at this orientation.

        `Viewing.nyquist` for rings and along rows and columns, up to sqrt(2) times as high for
        oblique gratings. Beyond it the pixels show another grating; at the limit itself the
        contrast depends on the phase.
        """
        if self.orientation is None:
            return self.viewing.nyquist
        angle = math.radians(self.orientation)
        return self.viewing.nyquist / max(abs(math.cos(angle)), abs(math.sin(angle)))

    @property
    def aliased(self) -> bool:
        """Whether the frequency lies above `limit`."""
        return self.frequency > self.limit * (1 + _SLACK)

    def render(self) -> Tensor:
        """Draw the grating.

        Returns
        -------
        Tensor
            Image (3, H, W), float32 in [0, 1], sRGB-encoded; computed in float64.

        Warns
        -----
        AliasingWarning
            The frequency lies above `limit`.
        """
        self.warn_of_aliasing()
        return self.show(self.contrast * self.wave())

    def warn_of_aliasing(self) -> None:
        """Warn if the frequency lies above `limit`."""
        if self.aliased:
            warnings.warn(
                f"a grating of {self.frequency:g} cycles per degree is aliased: at "
                f"{self.viewing.pixels_per_degree:g} pixels per degree and this orientation the "
                f"limit is {self.limit:g}; lower the frequency or raise pixels_per_degree.",
                AliasingWarning,
                stacklevel=3,
            )

    def show(self, modulation: Array) -> Tensor:
        """Turn a relative modulation (3, H, W) about the mean into an sRGB-encoded image.

        Raises
        ------
        ImageError
            The image would leave [0, 1].
        """
        values = self._middle * (1 + modulation)
        low, high = float(values.min()), float(values.max())
        if low < -_SLACK or high > 1 + _SLACK:
            raise ImageError(
                f"gratings together span {low:.4g} to {high:.4g}, outside [0, 1], and are not "
                "clipped; lower their contrasts."
            )
        code = values if self.encoding == "code" else encode_srgb(values)
        return torch.from_numpy(code.clip(0, 1)).float()

    def wave(self) -> Array:
        """Return the modulation (3, H, W) relative to the mean at contrast 1.

        Waves of several gratings of one mean and encoding, times their contrasts, add up to what
        `show` takes: a plaid, or a target on a mask.
        """
        height, width = self.shape
        y, x = np.mgrid[:height, :width].astype(np.float64)
        x, y = x - (width - 1) / 2, y - (height - 1) / 2
        if self.orientation is None:
            along = np.hypot(x, y)
        else:
            angle = math.radians(self.orientation)
            along = x * math.cos(angle) + y * math.sin(angle)
        cycles = self.viewing.cycles_per_pixel(self.frequency) * along
        wave = np.cos(2 * np.pi * cycles + math.radians(self.phase))
        if self.sigma is not None:
            spread = self.viewing.pixels(self.sigma)
            wave = wave * np.exp(-(x**2 + y**2) / (2 * spread**2))
        return np.asarray(self.direction[:, None, None] * wave)

    def contrasts(self) -> dict[str, float]:
        """Report the contrast in three units, whatever the encoding.

        Returns
        -------
        dict
            Between the extremes of the full swing: ``code``, Michelson contrast of the code values
            modulated most; ``luminance``; ``cones``, root mean square over L, M and S.
        """
        extremes = self._middle * (1 + np.outer([1, -1], self.contrast * self.direction))
        linear = decode_srgb(extremes) if self.encoding == "code" else extremes
        code = extremes if self.encoding == "code" else encode_srgb(extremes)
        light = linear @ LUMA
        each = np.abs(code[0] - code[1]) / (code[0] + code[1])
        return {
            "code": float(each.max()),
            "luminance": float(abs(light[0] - light[1]) / light.sum()),
            "cones": float(cone_contrast(linear[0], linear[1])),
        }

    def phases(self, count: int) -> "list[Grating]":
        """Return the grating at evenly spaced phases, from its own phase on.

        Parameters
        ----------
        count
            Number of phases over 360 degrees.

        Returns
        -------
        list of Grating
            Over 3 or more, what is linear or quadratic in the grating averages out.

        Raises
        ------
        ImageError
            The number is not positive.
        """
        if count < 1:
            raise ImageError(f"grating: expected at least one phase; got {count!r}.")
        return [replace(self, phase=self.phase + 360 * k / count) for k in range(count)]

    def manifest(self) -> dict[str, Any]:
        """Return the grating as plain values, with its contrast in every unit."""
        return {**asdict(self), "contrasts": self.contrasts()}
