"""Colour distortions of KADID-10k: diffusion, shift, quantisation, saturation."""

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from snellen.distortions._colorspaces import lab_to_rgb, rgb_to_lab
from snellen.distortions._each import each_image
from snellen.distortions._eight_bit import from_pil, to_pil
from snellen.distortions._filters import gaussian_blur
from snellen.distortions._random import generator
from snellen.distortions._strengths import checked
from snellen.distortions._type import DistortionType
from snellen.images import luma


def _color_diffusion(batch: Tensor, amount: float, seeds: Sequence[int]) -> Tensor:
    """Blur the colours, not the lightness, and stretch them by the amount.

    Notes
    -----
    ARNIQA's port passes blue where Lab expects red; here the channels are in order, as in
    KADID-10k's own code.
    """
    checked("color-diffusion", amount, 0)

    def diffuse(image: Tensor, seed: int) -> Tensor:
        lab = rgb_to_lab(image)
        lightness, colors = lab[:, :1], lab[:, 1:]
        blurred = gaussian_blur(colors, 1.5 * amount + 2) * amount
        return lab_to_rgb(torch.cat([lightness, blurred], 1))

    return each_image(batch, seeds, diffuse)


def _color_shift(batch: Tensor, amount: float, seeds: Sequence[int]) -> Tensor:
    """Move the green channel in a random direction where the image has detail."""
    checked("color-shift", amount, 0)

    def shift(image: Tensor, seed: int) -> Tensor:
        direction = torch.rand(2, generator=generator(seed, "color-shift")).double()
        down, right = (direction / direction.norm() * amount).round().long().tolist()
        weights = _detail(image)
        green = image[:, 1:2] * (1 - weights) + _moved(image[:, 1:2], down, right) * weights
        return torch.cat([image[:, :1], green, image[:, 2:]], 1).clamp(0, 1)

    return each_image(batch, seeds, shift)


def _moved(image: Tensor, down: int, right: int) -> Tensor:
    height, width = image.shape[-2:]
    rows = (torch.arange(height, device=image.device) - down).clamp(0, height - 1)
    columns = (torch.arange(width, device=image.device) - right).clamp(0, width - 1)
    return image[..., rows, :][..., columns]


def _detail(image: Tensor) -> Tensor:
    """Weigh pixels by the blurred gradient: 0 in the smoothest parts, 1 on the strongest edges."""
    gray = luma(image)
    slopes = [_central_difference(gray, dim) for dim in (2, 3)]
    strength = gaussian_blur((slopes[0].square() + slopes[1].square()).sqrt(), 4)
    strength = _stretch(strength, *strength.aminmax()).clamp(0.1, 1)
    ordered = strength.flatten().sort().values
    margin = len(ordered) // 100
    return _stretch(strength, ordered[margin], ordered[-1 - margin]).clamp(0, 1)


def _central_difference(image: Tensor, dim: int) -> Tensor:
    size = image.shape[dim]
    here = torch.arange(size, device=image.device)
    before, after = (here - 1).clamp(min=0), (here + 1).clamp(max=size - 1)
    return (image.index_select(dim, after) - image.index_select(dim, before)) / 2


def _stretch(values: Tensor, low: Tensor, high: Tensor) -> Tensor:
    return (values - low) / (high - low) if high > low else torch.zeros_like(values)


def quantize_colors(batch: Tensor, colors: int) -> Tensor:
    """Reduce images to a palette of their own, with the error diffused.

    Parameters
    ----------
    batch
        Image batch (N, 3, H, W).
    colors
        Most colours of the palette, 2 to 256.

    Returns
    -------
    batch
        Image batch of 8-bit values.

    Notes
    -----
    Pillow's median cut and Floyd-Steinberg dither; MATLAB's ``rgb2ind``, which KADID-10k uses,
    dithers likewise but chooses the palette by least variance.
    """

    def quantize(image: Tensor, seed: int) -> Tensor:
        picture = to_pil(image)
        palette = picture.quantize(colors, method=Image.Quantize.MEDIANCUT)
        return from_pil(
            picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG), image
        )

    return each_image(batch, [0] * len(batch), quantize)


def _color_quantization(batch: Tensor, colors: float, seeds: Sequence[int]) -> Tensor:
    return quantize_colors(batch, int(checked("color-quantization", colors, 2, 256, whole=True)))


def _saturation_hsv(batch: Tensor, factor: float, seeds: Sequence[int]) -> Tensor:
    """Scale the saturation of HSV.

    Notes
    -----
    Hue and value fixed, this moves every channel towards the largest one; a negative factor
    turns colours into their complements.
    """
    value = batch.amax(1, keepdim=True)
    return (value - (value - batch) * factor).clamp(0, 1)


def _saturation_lab(batch: Tensor, factor: float, seeds: Sequence[int]) -> Tensor:
    """Scale the colour axes of Lab."""

    def saturate(image: Tensor, seed: int) -> Tensor:
        lab = rgb_to_lab(image)
        lightness, colors = lab[:, :1], lab[:, 1:]
        return lab_to_rgb(torch.cat([lightness, colors * factor], 1))

    return each_image(batch, seeds, saturate)


TYPES = (
    DistortionType(
        name="color-diffusion",
        group="color",
        levels=(1, 3, 6, 8, 12),
        apply=_color_diffusion,
        parameter="amount a: Lab's colours are blurred by 1.5 a + 2 pixels and multiplied by a",
        source="KADID-10k type 4",
    ),
    DistortionType(
        name="color-shift",
        group="color",
        levels=(1, 3, 6, 8, 12),
        apply=_color_shift,
        parameter="shift of the green channel in pixels (its direction is random)",
        source="KADID-10k type 5",
        random=True,
    ),
    DistortionType(
        name="color-quantization",
        group="color",
        levels=(64, 48, 32, 16, 8),
        apply=_color_quantization,
        parameter="number of colours",
        source="KADID-10k type 6; the choice of the palette is Pillow's",
    ),
    DistortionType(
        name="saturation-hsv",
        group="color",
        levels=(0.4, 0.2, 0.1, 0, -0.4),
        apply=_saturation_hsv,
        parameter="factor of the saturation in HSV",
        source="KADID-10k type 7",
    ),
    DistortionType(
        name="saturation-lab",
        group="color",
        levels=(1, 2, 3, 6, 9),
        apply=_saturation_lab,
        parameter="factor of the colour axes of Lab",
        source="KADID-10k type 8",
    ),
)
