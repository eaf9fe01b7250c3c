"""How far an image lies from everything that the heads were fitted to."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Familiarity:
    """Mahalanobis distance to the nearest class, in the last hidden layer.

    Attributes
    ----------
    means
        (K, H): of every family alone, of clean images, and of the pairs, one by one.
    whitening
        (H, H), from deviations to those of unit covariance.

    Notes
    -----
    Lee, Lee, Lee and Shin, "A simple unified framework for detecting out-of-distribution samples
    and adversarial attacks", NeurIPS 2018: one covariance for all classes.
    """

    means: Tensor
    whitening: Tensor

    def __call__(self, hidden: Tensor) -> Tensor:
        """Return distances (N,) of hidden layers (N, H)."""
        distances = torch.cdist(hidden @ self.whitening, self.means @ self.whitening)
        return distances.amin(1)


def fit_familiarity(hidden: Tensor, targets: Tensor) -> Familiarity:
    """Fit class means and one covariance.

    Parameters
    ----------
    hidden
        (N, H).
    targets
        (N, K), what is present; rows that are alike are one class.

    Returns
    -------
    Familiarity
    """
    single = targets.sum(1) == 1
    weights = targets * single[:, None]
    counts = weights.sum(0)
    used = counts > 0
    means = (weights.T @ hidden)[used] / counts[used, None]
    nearest = torch.cdist(hidden[single], means).argmin(1)
    deviations = (hidden[single] - means[nearest]).double()
    covariance = deviations.T @ deviations / max(1, len(deviations))
    covariance += 1e-3 * covariance.diagonal().mean() * torch.eye(len(covariance))
    values, vectors = torch.linalg.eigh(covariance)
    return Familiarity(means, (vectors / values.clamp_min(1e-12).sqrt()).float())
