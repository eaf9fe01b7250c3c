"""Noises of KADID-10k, and denoising, which leaves noise's traces."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from snellen.distortions._colorspaces import STUDIO, STUDIO_OFFSET, channels, inverse, mix
from snellen.distortions._dct import hard_threshold
from snellen.distortions._each import each_image
from snellen.distortions._random import normal, uniform
from snellen.distortions._strengths import checked
from snellen.distortions._type import DistortionType


def _white_noise(batch: Tensor, variance: float, seeds: Sequence[int]) -> Tensor:
    deviation = math.sqrt(checked("white-noise", variance, 0))
    return (batch + normal(batch, seeds, "white-noise") * deviation).clamp(0, 1)


def _white_noise_ycbcr(batch: Tensor, variance: float, seeds: Sequence[int]) -> Tensor:
    """Add noise in Y, Cb and Cr alike.

    Notes
    -----
    In the YCbCr of television (MATLAB's ``rgb2ycbcr``), as KADID-10k's own code has it; ARNIQA's
    port takes that of JPEG, whose wider range makes the same variance a weaker noise.
    """
    deviation = math.sqrt(checked("white-noise-ycbcr", variance, 0))
    offset = channels(STUDIO_OFFSET, batch)
    noise = normal(batch, seeds, "white-noise-ycbcr") * deviation
    noisy = (mix(batch, STUDIO) + offset + noise).clamp(0, 1)
    return mix(noisy - offset, inverse(STUDIO)).clamp(0, 1)


def _impulse_noise(batch: Tensor, density: float, seeds: Sequence[int]) -> Tensor:
    """Set a share of the samples to black or white, every channel by itself."""
    checked("impulse-noise", density, 0, 1)
    draws = uniform(batch, seeds, "impulse-noise")
    salted = torch.where(draws < density, torch.ones_like(batch), batch)
    return torch.where(draws < density / 2, torch.zeros_like(batch), salted)


def _multiplicative_noise(batch: Tensor, variance: float, seeds: Sequence[int]) -> Tensor:
    """Add noise in proportion to the image.

    Notes
    -----
    MATLAB's speckle, which KADID-10k uses: uniformly distributed, of the variance given.
    """
    half_width = math.sqrt(3 * checked("multiplicative-noise", variance, 0))
    noise = (uniform(batch, seeds, "multiplicative-noise") * 2 - 1) * half_width
    return (batch + batch * noise).clamp(0, 1)


def _denoise(batch: Tensor, variance: float, seeds: Sequence[int]) -> Tensor:
    """Add white noise, then take it away again, channel by channel.

    Notes
    -----
    KADID-10k denoises with a DnCNN that MATLAB brings along; here the sliding cosine transform
    does, with its threshold at three deviations of the noise.
    """
    deviation = math.sqrt(checked("denoise", variance, 0))
    noisy = (batch + normal(batch, seeds, "denoise") * deviation).clamp(0, 1)
    denoised = each_image(noisy, seeds, lambda image, _: hard_threshold(image, 3 * deviation))
    return denoised.clamp(0, 1)


TYPES = (
    DistortionType(
        name="white-noise",
        group="noise",
        levels=(0.001, 0.002, 0.003, 0.005, 0.01),
        apply=_white_noise,
        parameter="variance, image in [0, 1]",
        source="KADID-10k type 11",
        random=True,
    ),
    DistortionType(
        name="white-noise-ycbcr",
        group="noise",
        levels=(0.0001, 0.0005, 0.001, 0.002, 0.003),
        apply=_white_noise_ycbcr,
        parameter="variance in Y, Cb and Cr, image in [0, 1]",
        source="KADID-10k type 12",
        random=True,
    ),
    DistortionType(
        name="impulse-noise",
        group="noise",
        levels=(0.001, 0.005, 0.01, 0.02, 0.03),
        apply=_impulse_noise,
        parameter="share of samples set to black or white",
        source="KADID-10k type 13",
        random=True,
    ),
    DistortionType(
        name="multiplicative-noise",
        group="noise",
        levels=(0.001, 0.005, 0.01, 0.02, 0.05),
        apply=_multiplicative_noise,
        parameter="variance of the factor",
        source="KADID-10k type 14",
        random=True,
    ),
    DistortionType(
        name="denoise",
        group="noise",
        levels=(0.01, 0.03, 0.05, 0.1, 0.15),
        apply=_denoise,
        parameter="variance of the noise before denoising, image in [0, 1]",
        source="KADID-10k type 15; the denoiser is ours",
        random=True,
    ),
)
