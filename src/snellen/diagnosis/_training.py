"""Fit the heads of a diagnoser to examples, and calibrate them on contents left out."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from snellen.diagnosis._examples import Examples
from snellen.diagnosis._familiarity import Familiarity, fit_familiarity
from snellen.diagnosis._heads import (
    Calibration,
    Heads,
    joint_log_probability,
    logistic_fit,
    percentiles_of,
)
from snellen.errors import ImageError

Mask = NDArray[np.bool_]

_HARDLY = 0.1


@dataclass(frozen=True)
class Recipe:
    """How the heads are fitted.

    Attributes
    ----------
    epochs, batch, rate, decay
        Of AdamW with a cosine schedule.
    jitter
        Deviation of the noise added to standardised descriptions.
    severity_weight
        Weight of the loss of severities.
    clean_weight
        Weight of clean images, which are few among the examples.
    held_out
        Every how many-th content is kept for the calibration.
    """

    epochs: int = 120
    batch: int = 128
    rate: float = 2e-3
    decay: float = 0.1
    jitter: float = 0.15
    severity_weight: float = 0.5
    clean_weight: float = 3.0
    held_out: int = 5


@dataclass(frozen=True, eq=False)
class Part:
    """Heads with what belongs to them: for images alone, or with their reference."""

    heads: Heads
    familiarity: Familiarity
    calibration: Calibration


def fit_part(examples: Examples, *, paired: bool, seed: int, recipe: Recipe) -> Part:
    """Fit heads, with the difference to the reference or without.

    Parameters
    ----------
    examples
        Of at least two contents.
    paired
        Whether the reference will be there.
    seed
        Same seed, same heads, on one thread of one machine.
    recipe
        How.

    Returns
    -------
    Part
        Fitted to most contents, calibrated on the others.

    Raises
    ------
    ImageError
        All examples are of one content.
    """
    contents = np.unique(examples.contents)
    if len(contents) < 2:
        raise ImageError("a diagnoser needs at least two pristine images: one to calibrate on.")
    left_out = contents[min(recipe.held_out, len(contents)) - 1 :: recipe.held_out]
    outside = np.isin(examples.contents, left_out)
    inputs = torch.from_numpy(inputs_of(examples.images, examples.references, paired=paired))
    heads = _train(inputs[torch.from_numpy(~outside)], examples.where(~outside), seed, recipe)
    standardised = heads.standardised(inputs)
    with torch.no_grad():
        hidden = heads.hidden(standardised)
    inside = torch.from_numpy(~outside)
    familiarity = fit_familiarity(hidden[inside], torch.from_numpy(_targets(examples))[inside])
    held = torch.from_numpy(outside)
    calibration = _calibrate(heads, familiarity, standardised[held], examples.where(outside))
    return Part(heads, familiarity, calibration)


def inputs_of(
    images: NDArray[np.float32], references: NDArray[np.float32], *, paired: bool
) -> NDArray[np.float32]:
    """Join descriptions of images with their differences from those of the references."""
    return np.concatenate([images, images - references], 1) if paired else images


def _targets(examples: Examples) -> NDArray[np.float32]:
    """(N, F + 1): presence of every family, and whether there is none."""
    present = examples.present
    return np.concatenate([present, ~present.any(1, keepdims=True)], 1).astype(np.float32)


def _train(inputs: Tensor, examples: Examples, seed: int, recipe: Recipe) -> Heads:
    targets = torch.from_numpy(_targets(examples))
    severities = torch.from_numpy(examples.severities)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        heads = Heads(inputs.shape[1], severities.shape[1])
        deviation, mean = torch.std_mean(inputs, 0)
        heads.centre.copy_(mean)
        # What hardly varies among examples must not decide because it does elsewhere.
        heads.scale.copy_(deviation.clamp_min(0.02))
        standardised = heads.standardised(inputs)
        optimiser = torch.optim.AdamW(heads.parameters(), recipe.rate, weight_decay=recipe.decay)
        steps = recipe.epochs * -(-len(inputs) // recipe.batch)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        for _ in range(recipe.epochs):
            order = torch.randperm(len(inputs))
            for start in range(0, len(inputs), recipe.batch):
                rows = order[start : start + recipe.batch]
                noise = recipe.jitter * torch.randn(len(rows), inputs.shape[1])
                loss = _loss(
                    heads, standardised[rows] + noise, targets[rows], severities[rows], recipe
                )
                optimiser.zero_grad(set_to_none=True)
                torch.autograd.backward(loss)
                optimiser.step()
                schedule.step()
    return heads.eval().requires_grad_(False)


def _loss(
    heads: Heads, inputs: Tensor, targets: Tensor, severities: Tensor, recipe: Recipe
) -> Tensor:
    logits, estimates = heads(inputs)
    weights = 1 + (recipe.clean_weight - 1) * targets[:, -1:]
    presence = functional.binary_cross_entropy_with_logits(
        logits, targets, weight=weights.expand_as(targets), reduction="sum"
    )
    known = (severities > 0).nonzero(as_tuple=True)
    severity = functional.smooth_l1_loss(estimates[known], severities[known], reduction="sum")
    loss: Tensor = (presence + recipe.severity_weight * severity) / len(inputs)
    return loss


def _calibrate(
    heads: Heads, familiarity: Familiarity, standardised: Tensor, examples: Examples
) -> Calibration:
    with torch.no_grad():
        logits, _ = heads(standardised)
        distances = familiarity(heads.hidden(standardised)).double().numpy()
    targets = _targets(examples).astype(bool)
    slope, offset = logistic_fit(logits.double().numpy().ravel(), targets.ravel())
    probabilities = torch.sigmoid(slope * logits.double() + offset).numpy()
    decided = decide(probabilities)
    joint = joint_log_probability(probabilities, decided)
    right = (decided == targets).all(1)
    odds = joint - np.log(-np.expm1(np.minimum(joint, -1e-9)))
    trust_slope, trust_offset = logistic_fit(odds, right)
    return Calibration(slope, offset, trust_slope, trust_offset, *percentiles_of(distances, joint))


def decide(probabilities: NDArray[np.float64]) -> Mask:
    """Choose what is present: whatever is likelier than not, two families at most.

    Where no family is, an image is taken to be clean unless that is out of the question; then the
    likeliest family is chosen. The confidence tells how little that says.

    Parameters
    ----------
    probabilities
        (N, F + 1), of the families and of a clean image.

    Returns
    -------
    chosen
        (N, F + 1); either families or the last, clean.
    """
    rows = np.arange(len(probabilities))
    families = probabilities[:, :-1]
    order = np.argsort(-families, 1, kind="stable")
    chosen = np.zeros(probabilities.shape, dtype=bool)
    for rank in range(min(2, families.shape[1])):
        column = order[:, rank]
        chosen[rows, column] = families[rows, column] >= 0.5
    most = families.max(1)
    doubtful = (most < 0.5) & (probabilities[:, -1] >= _HARDLY)
    clean = (probabilities[:, -1] > most) | doubtful
    chosen[clean] = False
    chosen[clean, -1] = True
    undecided = ~chosen.any(1)
    chosen[rows[undecided], order[undecided, 0]] = True
    return chosen
