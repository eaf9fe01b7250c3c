"""What an image's embedding says about pairs of prompts.

Each reading takes embeddings of images F (N, D) and of prompts (P, 2, D), clean before degraded,
neither normalised, and gives (N, P), higher = better.

The degradation response in the text's domain (Wu et al. 2024) moves F by the direction
T = degraded - clean, brought to the mean and the standard deviation of F, and takes the cosine
distance of F and the sum. That needs no second pass, and not even the sum: with

    k = D mu^2 / |F|^2,  rho = the correlation of F and T,  s = sigma(T) / (sigma(T) + epsilon),
    c = k + (1 - k) s rho,  q = k + (1 - k) s^2,

where mu is the mean of F, it is 1 - (1 + c) / sqrt(1 + 2 c + q), and 1 - sqrt((1 + c) / 2) for
epsilon = 0. Of the text only rho depends on the image.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

_LEAST = 1e-12


def correlation(image: Tensor, text: Tensor) -> Tensor:
    """Return Pearson's correlation over dimensions of every F (N, D) with every T (P, D)."""
    centred, direction = (x - x.mean(dim=1, keepdim=True) for x in (image, text))
    return F.normalize(centred, dim=1) @ F.normalize(direction, dim=1).T


def direction(text: Tensor) -> Tensor:
    """Return the way from the clean to the degraded prompt of each pair (P, D)."""
    return text[:, 1] - text[:, 0]


def text_response(image: Tensor, text: Tensor, *, epsilon: float, adapt: bool) -> Tensor:
    """Return the response of embeddings to degradations that prompts describe.

    Parameters
    ----------
    image
        (N, D).
    text
        (P, 2, D).
    epsilon
        What the authors add to the standard deviation of T before they divide by it.
    adapt
        Whether T is brought to the mean and standard deviation of F; otherwise it is added as
        it is.

    Returns
    -------
    Tensor
        (N, P), higher = better.
    """
    way = direction(text)
    if not adapt:
        moved = image[:, None] + way
        return 1 - F.cosine_similarity(image[:, None], moved, dim=2)
    size = image.shape[1]
    spread = way.std(dim=1)
    scale = spread / (spread + epsilon)
    share = mean_share(image, size)
    rho = correlation(image, way)
    c = share + (1 - share) * scale * rho
    q = share + (1 - share) * scale.square()
    return 1 - (1 + c) / (1 + 2 * c + q).clamp_min(_LEAST).sqrt()


def mean_share(image: Tensor, size: int) -> Tensor:
    """Return k: the share of the energy of each embedding that lies in its mean, (N, 1)."""
    energy = image.square().sum(dim=1, keepdim=True).clamp_min(_LEAST)
    return size * image.mean(dim=1, keepdim=True).square() / energy


def text_correlation(image: Tensor, text: Tensor) -> Tensor:
    """Return minus the correlation of embeddings with the ways from clean to degraded."""
    return -correlation(image, direction(text))


def antonym_share(image: Tensor, text: Tensor, *, scale: float) -> Tensor:
    """Return the share of the clean prompt in a softmax over the two of a pair, as CLIP-IQA does.

    Parameters
    ----------
    image
        (N, D).
    text
        (P, 2, D).
    scale
        What cosines are multiplied by before the softmax: CLIP's own is 100.
    """
    cosines = torch.einsum("nd,ptd->npt", F.normalize(image, dim=1), F.normalize(text, dim=2))
    return (scale * cosines).softmax(dim=2)[..., 0]


READINGS: dict[str, Callable[..., Tensor]] = {
    "text-response": text_response,
    "text-correlation": text_correlation,
    "antonym-share": antonym_share,
}
"""Readings by the name that rows give them."""
