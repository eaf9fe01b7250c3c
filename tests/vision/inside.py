"""What is private in `snellen.vision` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.vision._cones import (
    LUMA,
    RGB_TO_LMS,
    cone_contrast,
    decode_srgb,
    encode_srgb,
    luma_directions,
    opponent_directions,
)

__all__ = [
    "LUMA",
    "RGB_TO_LMS",
    "cone_contrast",
    "decode_srgb",
    "encode_srgb",
    "luma_directions",
    "opponent_directions",
]
