"""The named policy by which files become pixels."""

import math
from dataclasses import dataclass
from typing import Literal

from snellen.errors import ImageError

DEFAULT_MAX_PIXELS = 300_000_000


@dataclass(frozen=True)
class ImagePolicy:
    """How an image file becomes an image batch: every choice that can change a number.

    Parameters
    ----------
    background
        Colour, sRGB-encoded in [0, 1], on which transparent pixels are composited. The
        mixing is done on sRGB-encoded values, as browsers do, not in linear light.
    max_pixels
        Largest number of pixels (width x height) that is decoded, a guard against
        decompression bombs. It is checked from the header, before decoding. None: no limit.
    color
        "srgb": embedded colour profiles are converted to sRGB, relative colorimetric with
        black point compensation. "ignore": the numbers are taken as sRGB whatever the
        profile says (CMYK and LAB, which are no RGB at all, are still converted).
    orientation
        Whether the orientation that the camera noted (EXIF) is applied.

    Raises
    ------
    ImageError
        If a value is out of its range.

    Examples
    --------
    >>> ImagePolicy(background=(0.5, 0.5, 0.5)).manifest()["background"]
    [0.5, 0.5, 0.5]
    """

    background: tuple[float, float, float] = (1.0, 1.0, 1.0)
    max_pixels: int | None = DEFAULT_MAX_PIXELS
    color: Literal["srgb", "ignore"] = "srgb"
    orientation: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "background", _checked_background(self.background))
        if self.max_pixels is not None and not _is_positive_int(self.max_pixels):
            raise ImageError(
                f"max_pixels: expected a positive whole number or None, got {self.max_pixels!r}"
            )
        if self.color not in ("srgb", "ignore"):
            raise ImageError(f'color: expected "srgb" or "ignore", got {self.color!r}')
        if not isinstance(self.orientation, bool):
            raise ImageError(f"orientation: expected True or False, got {self.orientation!r}")

    def manifest(self) -> dict[str, object]:
        """Describe the policy in plain JSON types, for the manifest of a run.

        Returns
        -------
        manifest
            The fields of the policy, and the fixed choices behind them.
        """
        return {
            "background": list(self.background),
            "alpha": "composited on sRGB-encoded values",
            "max_pixels": self.max_pixels,
            "color": self.color,
            "rendering_intent": "relative colorimetric, black point compensation",
            "orientation": self.orientation,
        }


def _checked_background(background: object) -> tuple[float, float, float]:
    try:
        red, green, blue = (float(value) for value in background)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise ImageError(f"background: expected three numbers, got {background!r}") from None
    if not all(math.isfinite(value) and 0 <= value <= 1 for value in (red, green, blue)):
        raise ImageError(f"background: expected values in [0, 1], got {background!r}")
    return red, green, blue


def _is_positive_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


DEFAULT_POLICY = ImagePolicy()
