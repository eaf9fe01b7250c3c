"""Random numbers that depend on the seed and the type alone, never on batch or device."""

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def generator(seed: int, stream: str) -> torch.Generator:
    """Make the generator of one image.

    Parameters
    ----------
    seed
        Any whole number.
    stream
        What the numbers are for, usually the name of a type: two types with the same seed draw
        independent numbers.

    Returns
    -------
    generator
        On the CPU.
    """
    digest = hashlib.blake2b(f"{stream}:{seed}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))


def normal(batch: Tensor, seeds: Sequence[int], stream: str) -> Tensor:
    """Draw standard normal noise of the shape of a batch.

    Parameters
    ----------
    batch
        Image batch (N, C, H, W); only its shape and device matter.
    seeds
        One per image.
    stream
        What the numbers are for.

    Returns
    -------
    noise
        Tensor (N, C, H, W), float32, on the device of the batch.
    """
    return fields(batch, seeds, stream, lambda shape, random: torch.randn(shape, generator=random))


def uniform(batch: Tensor, seeds: Sequence[int], stream: str) -> Tensor:
    """Draw numbers in [0, 1) of the shape of a batch; arguments as those of `normal`."""
    return fields(batch, seeds, stream, lambda shape, random: torch.rand(shape, generator=random))


def fields(
    batch: Tensor,
    seeds: Sequence[int],
    stream: str,
    draw: Callable[[torch.Size, torch.Generator], Tensor],
) -> Tensor:
    """Draw one field per image, on the CPU, and move them to the device of the batch.

    Parameters
    ----------
    batch
        Image batch (N, C, H, W); only its shape and device matter.
    seeds
        One per image; images with the same seed share one field.
    stream
        What the numbers are for.
    draw
        Shape (C, H, W) and generator -> the field of one image.

    Returns
    -------
    fields
        Tensor (N, ...), on the device of the batch.
    """
    drawn = {seed: draw(batch.shape[1:], generator(seed, stream)) for seed in set(seeds)}
    return torch.stack([drawn[seed] for seed in seeds]).to(batch.device)
