"""The student: `dfb` as it ships, with everything that training changes, and what it is held to.

Used by ``train.py`` and ``evaluate.py``.
"""

from collections.abc import Iterator

import numpy as np
import torch
from scipy.stats import norm, spearmanr
from targets import CONSENSUS, HELD_OUT, MEMBERS, Pairs
from torch import Tensor, nn

from snellen.backbones import Fovea
from snellen.readouts import create_readout

LAYERS = ("stage1", "stage2", "stage3", "stage4")
CHANNELS = ((16,), (32, 32), (64, 64), (96, 96))
"""Before those are taken away that training silences."""
FLOOR = 1e-5


class Student(nn.Module):
    """Fovea, the readout of `dfb`, and the line that makes a target of a logarithm."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Fovea(CHANNELS)
        self.readout = create_readout("structure-texture")
        channels = [stage[-1] for stage in CHANNELS]
        self.log_weights = nn.ParameterList([nn.Parameter(torch.zeros(2, c)) for c in channels])
        self.slope = nn.Parameter(torch.tensor(1.0))
        self.offset = nn.Parameter(torch.tensor(2.0))

    def features(self, images: Tensor) -> Iterator[Tensor]:
        """Yield the layers of the metric."""
        x = self.network.retina(images.contiguous(memory_format=torch.channels_last))
        for i, name in enumerate(LAYERS, 1):
            x = self.network.get_submodule(f"reduce{i}")(x) if i > 1 else x
            x = self.network.get_submodule(name)(x)
            yield x

    def forward(self, references: Tensor, distorted: Tensor) -> Tensor:
        """Return the distances of distorted images (N * K) from references (N)."""
        n, k = len(references), len(distorted) // len(references)
        sums = []
        layers = self.features(torch.cat([references, distorted]))
        for layer, weights in zip(layers, self.log_weights, strict=True):
            pair = layer[n:], layer[:n].repeat_interleave(k, 0)
            sums.append(self.readout.measure(*pair, weights.exp()))
        return self.readout.distance(torch.stack(sums).sum(0)).float()

    def score(self, distance: Tensor) -> Tensor:
        """Return what is compared with the targets."""
        return self.slope * (distance + FLOOR).log() + self.offset


def consensus(pairs: Pairs, catalogue: Pairs) -> np.ndarray:
    """Average the members' Gaussianised ranks among the pairs of a catalogue: (N, K)."""
    columns = []
    for name in CONSENSUS:
        member = MEMBERS.index(name)
        known = np.sort(catalogue.scores[..., member], axis=None)
        places = norm.ppf((np.arange(known.size) + 0.5) / known.size)
        columns.append(np.interp(pairs.scores[..., member], known, places))
    mean: np.ndarray = np.mean(columns, 0)
    return mean


def unseen(pairs: Pairs) -> np.ndarray:
    """Tell which pairs have a type that ablations do not train on."""
    return np.array([[bool(names & HELD_OUT) for names in row] for row in pairs.types])


def images(pairs: Pairs) -> Iterator[Tensor]:
    """Yield all versions of every content."""
    for reference, distorted in zip(pairs.references, pairs.distorted, strict=True):
        yield torch.cat([reference[None], distorted]).float() / 255


@torch.no_grad()
def distances(student: Student, pairs: Pairs) -> np.ndarray:
    """Return the student's distances of all pairs, (N, K)."""
    rows = []
    for reference, distorted in zip(pairs.references, pairs.distorted, strict=True):
        rows.append(student(reference[None].float() / 255, distorted.float() / 255).numpy())
    return np.stack(rows)


def validate(student: Student, pairs: Pairs, target: np.ndarray) -> dict[str, float]:
    """Rank correlation with the consensus: all pairs, and by whether ablations know the types."""
    found, hidden = distances(student, pairs), unseen(pairs)
    parts = {"all": np.ones_like(hidden), "known types": ~hidden, "held-out types": hidden}
    return {name: float(spearmanr(found[p], target[p])[0]) for name, p in parts.items() if p.any()}
