"""What is private in `snellen.distortions` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.distortions import _codecs as codecs_module
from snellen.distortions import _transmission as transmission_module
from snellen.distortions._blur import TYPES as BLUR_TYPES
from snellen.distortions._brightness import TYPES as BRIGHTNESS_TYPES
from snellen.distortions._catalogue import ALIASES
from snellen.distortions._codecs import decode
from snellen.distortions._color import TYPES as COLOR_TYPES
from snellen.distortions._colorspaces import (
    FULL,
    STUDIO,
    STUDIO_OFFSET,
    channels,
    inverse,
    lab_to_rgb,
    mix,
    rgb_to_lab,
)
from snellen.distortions._dct import hard_threshold, in_blocks
from snellen.distortions._draw import Draw
from snellen.distortions._filters import box_blur, correlate, gaussian_blur, separable
from snellen.distortions._kernels import disk_kernel, gaussian_taps, motion_kernel
from snellen.distortions._mixed_kernels import KernelShape, draw_blur, draw_sinc
from snellen.distortions._noise import TYPES as NOISE_TYPES
from snellen.distortions._otsu import otsu_thresholds
from snellen.distortions._pipeline import (
    Filter,
    GaussianNoise,
    Jpeg,
    PoissonNoise,
    Resize,
    draw_pipeline,
)
from snellen.distortions._random import generator, normal, uniform
from snellen.distortions._sharpness import TYPES as SHARPNESS_TYPES
from snellen.distortions._spatial import TYPES as SPATIAL_TYPES
from snellen.distortions._spatial import _warp, move_patches
from snellen.distortions._target import nearest_psnr, psnr
from snellen.distortions._tid import TYPES as TID_TYPES

__all__ = [
    "ALIASES",
    "BLUR_TYPES",
    "BRIGHTNESS_TYPES",
    "COLOR_TYPES",
    "FULL",
    "NOISE_TYPES",
    "SHARPNESS_TYPES",
    "SPATIAL_TYPES",
    "STUDIO",
    "STUDIO_OFFSET",
    "TID_TYPES",
    "Draw",
    "Filter",
    "GaussianNoise",
    "Jpeg",
    "KernelShape",
    "PoissonNoise",
    "Resize",
    "_warp",
    "box_blur",
    "channels",
    "codecs_module",
    "correlate",
    "decode",
    "disk_kernel",
    "draw_blur",
    "draw_pipeline",
    "draw_sinc",
    "gaussian_blur",
    "gaussian_taps",
    "generator",
    "hard_threshold",
    "in_blocks",
    "inverse",
    "lab_to_rgb",
    "mix",
    "motion_kernel",
    "move_patches",
    "nearest_psnr",
    "normal",
    "otsu_thresholds",
    "psnr",
    "rgb_to_lab",
    "separable",
    "transmission_module",
    "uniform",
]
