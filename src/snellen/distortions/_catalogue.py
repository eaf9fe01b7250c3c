"""All types of distortion, by name."""

from difflib import get_close_matches

from snellen.distortions import (
    _blur,
    _brightness,
    _codecs,
    _color,
    _noise,
    _sharpness,
    _spatial,
    _tid,
    _transmission,
)
from snellen.distortions._type import GROUPS, DistortionType
from snellen.errors import DistortionError

_MODULES = (
    _blur, _noise, _codecs, _transmission, _color, _brightness, _spatial, _sharpness, _tid,
)  # fmt: skip


def _sorted_types() -> list[DistortionType]:
    """All types by group; those of one group in the order of their modules."""
    types = [one for module in _MODULES for one in module.TYPES]
    return sorted(types, key=lambda one: GROUPS.index(one.group))


CATALOGUE: dict[str, DistortionType] = {one.name: one for one in _sorted_types()}
"""Types by name, in groups."""

ALIASES: dict[str, str] = {
    "blur": "gaussian-blur",
    "defocus": "lens-blur",
    "noise": "white-noise",
    "gaussian-noise": "white-noise",
    "salt-and-pepper": "impulse-noise",
    "speckle": "multiplicative-noise",
    "jpg": "jpeg",
    "jp2": "jpeg2000",
    "jp2k": "jpeg2000",
    "saturation": "saturation-hsv",
    "brightness": "mean-shift",
}
"""Short and other names in use."""


def find_distortion(name: str) -> DistortionType:
    """Return a type of distortion by its name.

    Parameters
    ----------
    name
        One of `list_distortions`, or an alias such as ``"blur"``.

    Returns
    -------
    type
        Takes images and a level.

    Raises
    ------
    DistortionError
        There is no such type; the message names those of a similar name.

    Examples
    --------
    >>> find_distortion("blur").name
    'gaussian-blur'
    >>> find_distortion("jpeg").levels
    (43, 36, 24, 7, 4)
    """
    known = ALIASES.get(name, name)
    if known not in CATALOGUE:
        close = get_close_matches(name, [*CATALOGUE, *ALIASES], n=3)
        hint = f"did you mean {', '.join(close)}?" if close else "see list_distortions()."
        raise DistortionError(f"No distortion is called {name!r}; {hint}")
    return CATALOGUE[known]


def list_distortions(group: str | None = None, source: str | None = None) -> list[DistortionType]:
    """Return the types of distortion.

    Parameters
    ----------
    group
        Only those of one group: ``"blur"``, ``"noise"``, ``"compression"``, ``"color"``,
        ``"brightness"``, ``"spatial"`` or ``"sharpness-contrast"``.
    source
        Only those whose source contains this, in either case: ``"kadid"``, ``"tid2013"``.

    Returns
    -------
    types
        In the order of the groups.

    Raises
    ------
    DistortionError
        There is no such group.

    Examples
    --------
    >>> [one.name for one in list_distortions("blur", "kadid")]
    ['gaussian-blur', 'lens-blur', 'motion-blur']
    """
    if group is not None and group not in GROUPS:
        raise DistortionError(f"No group is called {group!r}; there are {', '.join(GROUPS)}.")
    return [
        one
        for one in CATALOGUE.values()
        if group in (None, one.group) and (source or "").lower() in one.source.lower()
    ]
