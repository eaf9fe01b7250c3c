"""Strengths that a type cannot have are refused by name."""

import math

from snellen.errors import DistortionError


def checked(
    name: str, strength: float, least: float, most: float = math.inf, *, whole: bool = False
) -> float:
    """Return a strength that lies in its range.

    Parameters
    ----------
    name
        Name of the type, for the message.
    strength
        What was asked for.
    least, most
        The range, its ends included.
    whole
        Only whole numbers count.

    Returns
    -------
    strength
        As given.

    Raises
    ------
    DistortionError
        The strength is out of range, or not whole where it has to be.
    """
    if least <= strength <= most and (not whole or strength == int(strength)):
        return strength
    kind = "a whole number" if whole else "a number"
    reach = f"of {least:g} or more" if math.isinf(most) else f"from {least:g} to {most:g}"
    raise DistortionError(f"{name}: strength {strength:g}, expected {kind} {reach}.")
