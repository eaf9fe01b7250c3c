"""BRISQUE (Mittal, Moorthy, Bovik 2012): piq's features, and the regression they were given."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from snellen.errors import ImageError, WeightsError

_FEATURES = 36
_GAMMA, _RHO = 0.05, -153.591


@dataclass(frozen=True, eq=False)
class Regression:
    """A support vector regression with a radial kernel.

    Parameters
    ----------
    vectors
        (S, 36), support vectors: features scaled to [-1, 1].
    coefficients
        (S,).
    gamma, rho
        Width of the kernel, and what is subtracted from the sum.
    """

    vectors: Tensor
    coefficients: Tensor
    gamma: float
    rho: float

    def __call__(self, features: Tensor) -> Tensor:
        """Return scores (N,) of scaled features (N, 36)."""
        apart = torch.cdist(features, self.vectors.to(features)).square()
        return (-self.gamma * apart).exp() @ self.coefficients.to(features) - self.rho


def brisque(grey: Tensor, regression: Regression) -> Tensor:
    """Score grey levels (N, 1, H, W) of 0 to 255: (N,), lower = better.

    Raises
    ------
    ImageError
        The images are too small, or the same grey all over.
    """
    from piq.brisque import _natural_scene_statistics, _scale_features
    from piq.functional import imresize

    parts = []
    try:
        for _ in range(2):
            parts.append(_natural_scene_statistics(grey))
            grey = imresize(grey, sizes=(grey.shape[2] // 2, grey.shape[3] // 2))
    except (AssertionError, RuntimeError, ValueError, ZeroDivisionError) as error:
        raise ImageError(
            f"images of {grey.shape[3]}x{grey.shape[2]} pixels have no statistics of natural "
            f"scenes: {error}."
        ) from error
    return regression(_scale_features(torch.cat(parts, dim=-1)))


def load_regression(path: Path) -> Regression:
    """Read what the authors release (libsvm's text) or what piq does (``.pt``).

    Raises
    ------
    WeightsError
        The file cannot be read, or holds something else.
    """
    try:
        made = _from_piq(path) if path.suffix in (".pt", ".pth") else _from_text(path)
    except Exception as error:  # a damaged file fails in any way
        raise WeightsError(
            f"{path}: cannot be read as the regression of BRISQUE: {error}. Expected the authors' "
            "model in libsvm's format, or piq's brisque_svm_weights.pt."
        ) from error
    if made.vectors.shape != (len(made.coefficients), _FEATURES) or not len(made.vectors):
        raise WeightsError(
            f"{path}: expected support vectors of {_FEATURES} features, found shape "
            f"{tuple(made.vectors.shape)}."
        )
    if not all(bool(tensor.isfinite().all()) for tensor in (made.vectors, made.coefficients)):
        raise WeightsError(f"{path}: the regression holds NaN or infinite values.")
    return made


def _from_piq(path: Path) -> Regression:
    coefficients, vectors = torch.load(path, map_location="cpu", weights_only=True)
    return Regression(vectors.double(), coefficients.flatten().double(), _GAMMA, _RHO)


def _from_text(path: Path) -> Regression:
    head, _, body = path.read_text(encoding="utf-8").partition("\nSV\n")
    settings = dict(line.split(maxsplit=1) for line in head.splitlines())
    coefficients, vectors = [], []
    for line in body.splitlines():
        first, *entries = line.split()
        numbers = dict(entry.split(":") for entry in entries)
        coefficients.append(float(first))
        vectors.append([float(numbers.get(str(i + 1), 0.0)) for i in range(_FEATURES)])
    return Regression(
        torch.tensor(vectors, dtype=torch.float64).view(-1, _FEATURES),
        torch.tensor(coefficients, dtype=torch.float64),
        float(settings["gamma"]),
        float(settings["rho"]),
    )
