"""The types of TID2013 that need no codec, in its order of numbers.

Strengths are those of the published images, medians where they differ from image to image. Types
whose recipe is not published are ours; their strengths, and the shifts of the chromatic
aberration, are such that on references of TID2013 the mean PSNR of each level is the published one.
"""

from snellen.distortions import _tid_noise, _tid_structure, _tid_tone

_ORDER = (
    "tid-gaussian-noise",
    "tid-color-noise",
    "tid-correlated-noise",
    "tid-masked-noise",
    "tid-high-frequency-noise",
    "tid-impulse-noise",
    "tid-quantization",
    "tid-gaussian-blur",
    "tid-denoise",
    "tid-non-eccentricity-patch",
    "tid-block",
    "tid-mean-shift",
    "tid-contrast",
    "tid-saturation",
    "tid-multiplicative-noise",
    "tid-comfort-noise",
    "tid-color-quantization-dither",
    "tid-chromatic-aberration",
    "tid-sparse-sampling",
)

TYPES = tuple(
    sorted(
        (*_tid_noise.TYPES, *_tid_tone.TYPES, *_tid_structure.TYPES),
        key=lambda kind: _ORDER.index(kind.name),
    )
)
