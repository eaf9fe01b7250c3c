"""From pixels to degrees of visual angle, and back."""

import math
from dataclasses import asdict, dataclass
from typing import Self

from snellen.errors import ImageError


@dataclass(frozen=True)
class Viewing:
    """How large a pixel is to the eye.

    A network sees cycles per pixel, an eye cycles per degree; this is the only place where one
    becomes the other.

    Parameters
    ----------
    pixels_per_degree
        Pixels in one degree of visual angle at the middle of the screen. The default, 60, puts
        the limit of the pixel grid at 30 cycles per degree, the highest frequency that Tariq et
        al. show (they do not state their geometry).

    Raises
    ------
    ImageError
        The number is not positive and finite.

    Examples
    --------
    >>> viewing = Viewing(pixels_per_degree=60)
    >>> viewing.nyquist
    30.0
    >>> viewing.cycles_per_pixel(7.5)
    0.125
    """

    pixels_per_degree: float = 60.0

    def __post_init__(self) -> None:
        _need_positive("pixels_per_degree", self.pixels_per_degree)

    @classmethod
    def from_screen(cls, distance: float, width: float, pixels: int) -> Self:
        """Compute the geometry from a screen that is looked at.

        Parameters
        ----------
        distance
            From the eye to the screen, in metres.
        width
            Of the visible picture, in metres (or any length in the unit of `distance`).
        pixels
            Number of pixels across that width.

        Returns
        -------
        Viewing
            Exact at the middle of the screen.

        Raises
        ------
        ImageError
            A length is not positive and finite.

        Examples
        --------
        >>> round(Viewing.from_screen(0.55, 0.25e-3 * 1920, 1920).pixels_per_degree, 1)
        38.4
        """
        for name, value in (("distance", distance), ("width", width), ("pixels", pixels)):
            _need_positive(name, value)
        pitch = width / pixels
        return cls(1 / math.degrees(2 * math.atan(pitch / (2 * distance))))

    @property
    def nyquist(self) -> float:
        """Highest frequency along rows and columns that the pixels hold, in cycles per degree."""
        return self.pixels_per_degree / 2

    def cycles_per_pixel(self, frequency: float) -> float:
        """Convert cycles per degree to cycles per pixel."""
        return frequency / self.pixels_per_degree

    def cycles_per_degree(self, frequency: float) -> float:
        """Convert cycles per pixel to cycles per degree."""
        return frequency * self.pixels_per_degree

    def degrees(self, pixels: float) -> float:
        """Convert a length in pixels to degrees of visual angle."""
        return pixels / self.pixels_per_degree

    def pixels(self, degrees: float) -> float:
        """Convert a length in degrees of visual angle to pixels."""
        return degrees * self.pixels_per_degree

    def manifest(self) -> dict[str, float]:
        """Return the geometry as plain values."""
        return asdict(self)


def _need_positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ImageError(f"Viewing: {name} must be positive and finite; got {value!r}.")
