"""Images in, distorted images out: a catalogue of types, five levels each, and combinations."""

from snellen.distortions._catalogue import find_distortion, list_distortions
from snellen.distortions._codecs import library_versions
from snellen.distortions._combination import Distortion, derived_seed
from snellen.distortions._specification import create_distortion, distort, random_distortion
from snellen.distortions._type import GROUPS, LEVELS, DistortionType

__all__ = [
    "GROUPS",
    "LEVELS",
    "Distortion",
    "DistortionType",
    "create_distortion",
    "derived_seed",
    "distort",
    "find_distortion",
    "library_versions",
    "list_distortions",
    "random_distortion",
]
