"""From statistics of responses to one number: a smooth function, fitted to examples."""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from snellen.backbones import Backbone
from snellen.errors import MetricError, WeightsError
from snellen.metrics._fitted_files import read_fitted, write_fitted
from snellen.metrics._reduced import backbone_terms

_FORMAT = "snellen response head 1"
_ABOUT = "snellen"
_TENSORS = ("centre", "deviation", "width", "support", "coefficients", "intercept")
_REACH = 4.0  # deviations; farther away than that from the examples is not told apart


@dataclass(frozen=True, eq=False)
class ResponseHead:
    """Quality as a function of the statistics of responses: kernel ridge regression.

    Parameters
    ----------
    centre, deviation
        (D,), by which statistics are standardised.
    width
        (1,), of the Gaussian kernel.
    support
        (M, D), standardised statistics of the examples.
    coefficients
        (M,), their weights.
    intercept
        (1,), the value far away from all examples.
    degradations
        Specifications of what is done to an image.
    seed
        Of what they draw at random.
    made_for
        Backbone and layers to which the statistics belong.
    fit
        How it was fitted.
    """

    centre: Tensor
    deviation: Tensor
    width: Tensor
    support: Tensor
    coefficients: Tensor
    intercept: Tensor
    degradations: tuple[str, ...]
    seed: int = 0
    made_for: Mapping[str, Any] = field(default_factory=dict)
    fit: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, statistics: Tensor) -> Tensor:
        """Map statistics (N, D) to values (N,)."""
        # Coefficients are large and of both signs: float32 would leave rounding that shows, and
        # that depends on how many images are there.
        fine = torch.float32 if statistics.device.type == "mps" else torch.float64
        centre, deviation, width, support, coefficients, intercept = (
            getattr(self, name).to(statistics.device, fine) for name in _TENSORS
        )
        points = _standardised(statistics.to(fine), centre, deviation)
        values: Tensor = _kernel(points, support, width) @ coefficients + intercept
        return values.to(statistics)

    @property
    def sha256(self) -> str:
        """Hash of the numbers."""
        data = b"".join(getattr(self, name).numpy().tobytes() for name in _TENSORS)
        return hashlib.sha256(data).hexdigest()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the head to a file, for ``create_metric("ddr", head_weights=FILE)``.

        Parameters
        ----------
        path
            The file; ``.safetensors`` is usual. Folders are made.
        """
        about = {
            "format": _FORMAT,
            "degradations": list(self.degradations),
            "seed": self.seed,
            "made_for": dict(self.made_for),
            "fit": dict(self.fit),
        }
        # One entry: several would come in another order each time, and the file's hash with them.
        tensors = {name: getattr(self, name) for name in _TENSORS}
        write_fitted(path, tensors, {_ABOUT: json.dumps(about)})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "ResponseHead":
        """Read a head that `save` wrote.

        Raises
        ------
        WeightsError
            The file cannot be read, or holds something else.
        """
        words, tensors = read_fitted(path, "a head of ddr")
        about = json.loads(words.get(_ABOUT, "{}"))
        if about.get("format") != _FORMAT or set(tensors) != set(_TENSORS):
            raise WeightsError(
                f"{path}: is no head of ddr: expected what recipes/fit_ddr.py writes, found "
                f"tensors {', '.join(tensors) or 'none'}."
            )
        return cls(
            **tensors,
            degradations=tuple(about["degradations"]),
            seed=about["seed"],
            made_for=about["made_for"],
            fit=about["fit"],
        )


def fit_response_head(
    statistics: Tensor,
    values: Tensor,
    *,
    width: float,
    ridge: float,
    weights: Tensor | None = None,
    degradations: Sequence[str],
    seed: int = 0,
    made_for: Mapping[str, Any] | None = None,
    fit: Mapping[str, Any] | None = None,
) -> ResponseHead:
    """Fit a head to examples by kernel ridge regression.

    Parameters
    ----------
    statistics
        (M, D), of the examples.
    values
        (M,), what the head shall say of them.
    width
        Width of the Gaussian kernel, in units of the typical distance of two examples.
    ridge
        How much the fit is smoothed, from 0.
    weights
        (D,), by which standardised statistics are stretched; all 1 by default.
    degradations, seed, made_for, fit
        See `ResponseHead`.

    Returns
    -------
    ResponseHead
        Its numbers are rounded to what the file holds.
    """
    examples = statistics.double()
    centre, deviation = examples.mean(0).float(), (examples.std(0, correction=0) + 1e-6).float()
    if weights is not None:
        deviation = deviation / weights.float()
    wide = torch.tensor([width * (2 * examples.shape[1]) ** 0.5])
    # In float16 the file stays small; the fit is made for the rounded examples.
    support = _standardised(examples, centre.double(), deviation.double()).half().contiguous()
    kernel = _kernel(support.double(), support.double(), wide.double())
    intercept = values.double().mean()
    system = kernel + ridge * torch.eye(len(kernel), dtype=torch.float64)
    coefficients = torch.linalg.solve(system, values.double() - intercept)
    return ResponseHead(
        centre,
        deviation,
        wide,
        support,
        coefficients.float(),
        intercept.float()[None],
        tuple(degradations),
        seed,
        made_for or {},
        fit or {},
    )


def shipped_head(backbone: Backbone) -> ResponseHead:
    """Read the head that comes with the package for a backbone.

    Raises
    ------
    MetricError
        There is none.
    """
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", backbone.name)
    path = Path(str(files("snellen.metrics") / "data" / f"ddr-{name}.safetensors"))
    if not path.exists():
        raise MetricError(
            f"ddr: no head for {backbone.name} comes with the package; fit one by "
            "recipes/fit_ddr.py and give its file with head_weights."
        )
    return ResponseHead.load(path)


def made_for(backbone: Backbone, layers: Sequence[str]) -> dict[str, Any]:
    """Return what a head belongs to."""
    terms = {k: v for k, v in backbone_terms(backbone).items() if k != "precision"}
    return {"backbone": terms, "layers": list(layers)}


def _standardised(statistics: Tensor, centre: Tensor, deviation: Tensor) -> Tensor:
    return ((statistics - centre) / deviation).clamp(-_REACH, _REACH)


def _kernel(points: Tensor, support: Tensor, width: Tensor) -> Tensor:
    return torch.exp(-torch.cdist(points, support).square() / (2 * width.square()))
