"""Noises of TID2013; strengths are on the scale of 8-bit values, which the results hold."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from snellen.distortions._colorspaces import FULL, inverse, mix
from snellen.distortions._dct import in_blocks
from snellen.distortions._each import each_image
from snellen.distortions._eight_bit import from_values, to_values
from snellen.distortions._filters import box_blur
from snellen.distortions._random import generator, normal, uniform
from snellen.distortions._strengths import checked
from snellen.distortions._type import Apply, DistortionType
from snellen.images import luma


def _additive(name: str, shape: Callable[[Tensor, Tensor], Tensor]) -> Apply:
    """Add noise of a spectrum, colour or place of its own: (white noise, values) -> noise."""

    def apply(batch: Tensor, deviation: float, seeds: Sequence[int]) -> Tensor:
        checked(name, deviation, 0)
        white = normal(batch, seeds, name).double()

        def add(image: Tensor, seed: int) -> Tensor:
            values, noise = image[:, :3], image[:, 3:]
            return values + shape(noise, values) * deviation

        both = torch.cat([to_values(batch), white], 1)
        return from_values(each_image(both, seeds, add))

    return apply


def _white(noise: Tensor, values: Tensor) -> Tensor:
    return noise


def _colored(noise: Tensor, values: Tensor) -> Tensor:
    """Twice as much noise in Cb and Cr as in Y."""
    return mix(torch.cat([noise[:, :1], 2 * noise[:, 1:]], 1), inverse(FULL))


def _correlated(noise: Tensor, values: Tensor) -> Tensor:
    return _unit(box_blur(noise, 3))


def _high_frequency(noise: Tensor, values: Tensor) -> Tensor:
    return _unit(noise - box_blur(noise, 3))


def _unit(noise: Tensor) -> Tensor:
    deviation = noise.std(correction=0)
    return noise / deviation if deviation > 0 else noise


def _masked(noise: Tensor, values: Tensor) -> Tensor:
    """Noise in proportion to the contrast of its surroundings, which hides it."""
    gray = luma(values)
    variance = box_blur(gray.square(), 7) - box_blur(gray, 7).square()
    contrast = variance.clamp(min=0).sqrt() + 1
    return noise * contrast / contrast.square().mean().sqrt()


def _impulse_noise(batch: Tensor, share: float, seeds: Sequence[int]) -> Tensor:
    """Replace a share of the samples by any of the 256 values, every channel by itself."""
    checked("tid-impulse-noise", share, 0, 1)
    hit = uniform(batch, seeds, "tid-impulse-noise: where") < share
    values = torch.floor(uniform(batch, seeds, "tid-impulse-noise: what").double() * 256)
    return from_values(torch.where(hit, values, to_values(batch)))


def _multiplicative_noise(batch: Tensor, deviation: float, seeds: Sequence[int]) -> Tensor:
    checked("tid-multiplicative-noise", deviation, 0)
    noise = normal(batch, seeds, "tid-multiplicative-noise").double()
    return from_values(to_values(batch) * (1 + noise * deviation))


def _comfort_noise(batch: Tensor, threshold: float, seeds: Sequence[int]) -> Tensor:
    """Replace fine texture by noise of the same spectrum.

    Notes
    -----
    In blocks of 8 by 8 pixels in Y, Cb and Cr, cosine coefficients below the threshold keep
    their size and get random signs: a coder that spends no bits on them could add such noise.
    """
    checked("tid-comfort-noise", threshold, 0)

    def replace(image: Tensor, seed: int) -> Tensor:
        random = generator(seed, "tid-comfort-noise")

        def change(coefficients: Tensor) -> Tensor:
            signs = torch.randint(2, coefficients.shape, generator=random) * 2.0 - 1
            signs = signs.to(coefficients)
            signs[..., 0] = 1
            return coefficients * torch.where(coefficients.abs() < threshold, signs, 1)

        ycbcr = mix(to_values(image), FULL)
        return from_values(mix(in_blocks(ycbcr, change), inverse(FULL)))

    return each_image(batch, seeds, replace)


def _noise_type(
    number: int, name: str, levels: tuple[float, ...], apply: Apply, parameter: str, source: str
) -> DistortionType:
    source = source.format(f"TID2013 type {number}")
    return DistortionType(name, "noise", levels, apply, parameter, source, random=True)


_DEVIATION = "deviation in 8-bit values"

TYPES = (
    _noise_type(
        1,
        "tid-gaussian-noise",
        (5.66, 7.99, 11.4, 16.1, 22.9),
        _additive("tid-gaussian-noise", _white),
        _DEVIATION,
        "{}",
    ),
    _noise_type(
        2,
        "tid-color-noise",
        (1.89, 2.67, 3.8, 5.37, 7.64),
        _additive("tid-color-noise", _colored),
        "deviation in Y, half of that in Cb and Cr, in 8-bit values",
        "{}",
    ),
    _noise_type(
        3,
        "tid-correlated-noise",
        (5.66, 8.01, 11.4, 16.1, 22.9),
        _additive("tid-correlated-noise", _correlated),
        _DEVIATION,
        "{}",
    ),
    _noise_type(
        4,
        "tid-masked-noise",
        (5.85, 8.42, 11.6, 16.8, 24.1),
        _additive("tid-masked-noise", _masked),
        _DEVIATION,
        "ours, after {}",
    ),
    _noise_type(
        5,
        "tid-high-frequency-noise",
        (5.7, 8.07, 14.4, 25.7, 47.2),
        _additive("tid-high-frequency-noise", _high_frequency),
        _DEVIATION,
        "{}",
    ),
    _noise_type(
        6,
        "tid-impulse-noise",
        (0.00399, 0.00858, 0.0171, 0.034, 0.0679),
        _impulse_noise,
        "share of samples replaced by any value",
        "{}",
    ),
    _noise_type(
        19,
        "tid-multiplicative-noise",
        (0.0524, 0.074, 0.105, 0.15, 0.213),
        _multiplicative_noise,
        "deviation of the factor",
        "{}",
    ),
    _noise_type(
        20,
        "tid-comfort-noise",
        (10.9, 17.2, 27.2, 47.5, 94),
        _comfort_noise,
        "least cosine coefficient that keeps its sign, in 8-bit values",
        "ours, after {}",
    ),
)
