"""Blurs: Gaussian, lens and motion, as KADID-10k defines them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from snellen.distortions._filters import correlate, gaussian_blur
from snellen.distortions._kernels import disk_kernel, motion_kernel
from snellen.distortions._random import generator
from snellen.distortions._strengths import checked
from snellen.distortions._type import DistortionType


def _gaussian_blur(batch: Tensor, sigma: float, seeds: Sequence[int]) -> Tensor:
    return gaussian_blur(batch, checked("gaussian-blur", sigma, 0)).clamp(0, 1)


def _lens_blur(batch: Tensor, radius: float, seeds: Sequence[int]) -> Tensor:
    return correlate(batch, disk_kernel(checked("lens-blur", radius, 0))).clamp(0, 1)


def _motion_blur(batch: Tensor, length: float, seeds: Sequence[int]) -> Tensor:
    checked("motion-blur", length, 0)
    kernels = [motion_kernel(length, _angle(seed)) for seed in seeds]
    blurred = [correlate(image[None], kernel) for image, kernel in zip(batch, kernels, strict=True)]
    return torch.cat(blurred).clamp(0, 1)


def _angle(seed: int) -> int:
    return int(torch.randint(181, (), generator=generator(seed, "motion-blur")))


TYPES = (
    DistortionType(
        name="gaussian-blur",
        group="blur",
        levels=(0.1, 0.5, 1, 2, 5),
        apply=_gaussian_blur,
        parameter="sigma in pixels",
        source="KADID-10k type 1",
    ),
    DistortionType(
        name="lens-blur",
        group="blur",
        levels=(1, 2, 4, 6, 8),
        apply=_lens_blur,
        parameter="radius of the disk in pixels",
        source="KADID-10k type 2",
    ),
    DistortionType(
        name="motion-blur",
        group="blur",
        levels=(1, 2, 4, 6, 10),
        apply=_motion_blur,
        parameter="length of the motion in pixels (its direction is random)",
        source="KADID-10k type 3",
        random=True,
    ),
)
