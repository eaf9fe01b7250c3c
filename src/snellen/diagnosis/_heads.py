"""A small network from a description to families and severities, and its calibration."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Doubles = NDArray[np.float64]

_HIDDEN = (128, 96)
_CUT = 6.0
SEVEREST, MILDEST = 5.5, 0.5


class Heads(nn.Module):
    """Two hidden layers, then the presence of every family and its severity.

    Parameters
    ----------
    size
        Length of a description.
    families
        Number of families; after them comes one output more, for clean images.

    Attributes
    ----------
    centre, scale : Tensor
        (size,), mean and standard deviation of the descriptions.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, size: int, families: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))
        self.first = nn.Linear(size, _HIDDEN[0])
        self.second = nn.Linear(*_HIDDEN)
        self.presence = nn.Linear(_HIDDEN[1], families + 1)
        self.severity = nn.Linear(_HIDDEN[1], families)
        self.dropout = nn.Dropout(0.2)

    def standardised(self, descriptions: Tensor) -> Tensor:
        """Bring descriptions to mean 0 and deviation 1, outliers cut off at 6."""
        values: Tensor = ((descriptions - self.centre) / self.scale).clamp(-_CUT, _CUT)
        return values

    def hidden(self, standardised: Tensor) -> Tensor:
        """Return the last hidden layer, (N, 96)."""
        x = self.dropout(nn.functional.gelu(self.first(standardised)))
        hidden: Tensor = self.dropout(nn.functional.gelu(self.second(x)))
        return hidden

    def forward(self, standardised: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of presence (N, F + 1), and severities (N, F)."""
        hidden = self.hidden(standardised)
        share = self.severity(hidden).sigmoid()
        return self.presence(hidden), MILDEST + (SEVEREST - MILDEST) * share


@dataclass(frozen=True, eq=False)
class Calibration:
    """What was learned from contents that the network was not fitted on.

    Attributes
    ----------
    slope, offset
        Of the logits: a probability of 0.8 is to be right eight times of ten.
    trust_slope, trust_offset
        From the joint probability of a verdict, as a logit, to that of its being right.
    distances, surprises, sums
        Percentiles 0 to 100, over known images, of their distances, of minus the log probability
        of their verdicts, and of the sum of both as ranks.
    """

    slope: float
    offset: float
    trust_slope: float
    trust_offset: float
    distances: Doubles
    surprises: Doubles
    sums: Doubles

    def probabilities(self, logits: Tensor) -> Tensor:
        """Turn logits of presence into calibrated probabilities."""
        return torch.sigmoid(self.slope * logits + self.offset)

    def confidence(self, joint: Doubles) -> Doubles:
        """Turn log probabilities of whole verdicts into that of being right."""
        logits = joint - np.log(-np.expm1(np.minimum(joint, -1e-9)))
        trusted: Doubles = 1 / (1 + np.exp(-(self.trust_slope * logits + self.trust_offset)))
        return trusted

    def unfamiliarity(self, distances: Doubles, joint: Doubles) -> Doubles:
        """Return the share of known images that are less unusual than these: 0 to 1.

        Unusual is what lies far from all classes, and what no verdict describes well: together
        they tell more than either, since a distance does not see two classes that compete.
        """
        sums = _ranks(distances, self.distances) + _ranks(-joint, self.surprises)
        return _ranks(sums, self.sums)


def _ranks(values: Doubles, percentiles: Doubles) -> Doubles:
    ranks: Doubles = np.interp(values, percentiles, np.linspace(0, 1, len(percentiles)))
    return ranks


def percentiles_of(distances: Doubles, joint: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Return the percentiles that a `Calibration` keeps, of known images.

    Parameters
    ----------
    distances
        (N,), from the nearest class.
    joint
        (N,), log probabilities of their verdicts.

    Returns
    -------
    distances, surprises, sums
        (101,) each, strictly growing.
    """
    grid = np.arange(101)
    # Steps of nothing would make ranks of equal values jump.
    least = 1e-9 * grid
    far = np.percentile(distances, grid) + least
    odd = np.percentile(-joint, grid) + least
    return far, odd, np.percentile(_ranks(distances, far) + _ranks(-joint, odd), grid) + least


def joint_log_probability(probabilities: Doubles, present: NDArray[np.bool_]) -> Doubles:
    """Return the log probability that exactly these outputs are present, (N,)."""
    some = np.clip(probabilities, 1e-9, 1 - 1e-9)
    total: Doubles = np.where(present, np.log(some), np.log1p(-some)).sum(1)
    return total


def logistic_fit(
    scores: Doubles, outcomes: NDArray[np.bool_], steps: int = 100
) -> tuple[float, float]:
    """Fit P(outcome) = sigmoid(slope * score + offset) by Newton's method.

    Returns
    -------
    slope, offset
        With Platt's softened targets, so that they are finite where scores separate outcomes.
    """
    positive, negative = int(outcomes.sum()), int((~outcomes).sum())
    target = np.where(outcomes, (positive + 1) / (positive + 2), 1 / (negative + 2))
    design = np.stack([scores, np.ones_like(scores)], 1)
    weights = np.array([1.0, 0.0])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(design @ weights, -40, 40)))
        gradient = design.T @ (p - target)
        curvature = (design * (p * (1 - p))[:, None]).T @ design + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step * min(1.0, 5 / max(1e-12, float(np.abs(step).max())))
        if float(np.abs(step).max()) < 1e-8:
            break
    slope, offset = map(float, weights)
    if not (math.isfinite(slope) and math.isfinite(offset)):
        return 1.0, 0.0
    return slope, offset
