"""Two batches of one size, or a stated way to get there."""

import torch
from torch.nn import functional

from snellen.errors import ImageError
from snellen.images._batch import size_text

ALIGNMENTS: tuple[str, ...] = ("error", "crop", "resize")


def match_sizes(
    distorted: torch.Tensor, reference: torch.Tensor, align: str = "error"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Give two image batches one height and width.

    Parameters
    ----------
    distorted
        Image batch (N, 3, H, W).
    reference
        Image batch (N, 3, H, W). Either batch may also hold a single image, which then serves
        all images of the other; it is returned as it is, not repeated.
    align
        What to do when the sizes differ. "error": refuse. "crop": cut both to their common
        size around the centre. "resize": resample `distorted` to the size of `reference`,
        bicubic with antialiasing, values kept in [0, 1].

    Returns
    -------
    distorted, reference
        The two batches, of one height and width.

    Raises
    ------
    ImageError
        If the sizes differ and `align` is "error", if the batches hold different numbers of
        images, or if there is no such alignment.

    Examples
    --------
    >>> wide, tall = torch.rand(1, 3, 4, 9), torch.rand(1, 3, 6, 5)
    >>> [tuple(x.shape[-2:]) for x in match_sizes(wide, tall, align="crop")]
    [(4, 5), (4, 5)]
    """
    if align not in ALIGNMENTS:
        raise ImageError(f"align: expected one of {', '.join(ALIGNMENTS)}; got {align!r}")
    if len(distorted) != len(reference) and 1 not in (len(distorted), len(reference)):
        raise ImageError(
            f"{len(distorted)} distorted images and {len(reference)} reference images: "
            "expected equal numbers, or one of either"
        )
    if distorted.shape[-2:] == reference.shape[-2:]:
        return distorted, reference
    if align == "error":
        raise ImageError(
            f"distorted is {size_text(distorted)}, reference is {size_text(reference)}: sizes "
            'must be equal; align="crop" cuts both around the centre, align="resize" resamples '
            "the distorted image"
        )
    if align == "resize":
        return _resized(distorted, reference.shape[-2], reference.shape[-1]), reference
    height = min(distorted.shape[-2], reference.shape[-2])
    width = min(distorted.shape[-1], reference.shape[-1])
    return _center_crop(distorted, height, width), _center_crop(reference, height, width)


def _center_crop(batch: torch.Tensor, height: int, width: int) -> torch.Tensor:
    top = (batch.shape[-2] - height) // 2
    left = (batch.shape[-1] - width) // 2
    return batch[..., top : top + height, left : left + width]


def _resized(batch: torch.Tensor, height: int, width: int) -> torch.Tensor:
    resampled = functional.interpolate(
        batch, (height, width), mode="bicubic", antialias=True, align_corners=False
    )
    return resampled.clamp(0, 1)
