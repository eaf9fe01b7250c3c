"""What a training run is: everything that its weights depend on."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from snellen.backbones import file_sha256
from snellen.errors import TrainingError
from snellen.restoration._pairs import PairSource

PRECISIONS: dict[str, Literal["32-true", "bf16-mixed"]] = {
    "float32": "32-true",
    "bfloat16": "bf16-mixed",
}
OPTIMISERS = ("adam", "adamw", "sgd")

Terms = Mapping[str, Mapping[str, Any]]
"""Options of `snellen.losses.create_loss`, ``name`` among them, by the name of the term."""


@dataclass(frozen=True)
class NetworkPlan:
    """A network: its name, and the arguments of its class; see `build_network`."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OptimiserPlan:
    """How weights move.

    Parameters
    ----------
    name
        ``"adam"``, ``"adamw"`` or ``"sgd"``.
    lr
        Learning rate at its highest.
    betas
        Of Adam; the first is the momentum of SGD.
    weight_decay
        Of the optimiser.
    final_lr
        Where the cosine ends.
    warmup
        Steps in which the learning rate rises linearly from 0.
    clip
        Largest norm of the gradient; not limited by default.

    Raises
    ------
    TrainingError
        A number is out of its range.
    """

    name: str = "adamw"
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.9)
    weight_decay: float = 0.0
    final_lr: float = 1e-7
    warmup: int = 0
    clip: float | None = None

    def __post_init__(self) -> None:
        if self.name not in OPTIMISERS:
            raise TrainingError(f"name must be one of {', '.join(OPTIMISERS)}; got {self.name!r}.")
        _positive(lr=self.lr, clip=1 if self.clip is None else self.clip)
        _not_negative(weight_decay=self.weight_decay, final_lr=self.final_lr, warmup=self.warmup)
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise TrainingError(f"betas must be two numbers from 0 to below 1; got {self.betas!r}.")


@dataclass(frozen=True)
class TrainingPlan:
    """One training run; read from a file by `load_plan`.

    Parameters
    ----------
    network
        What is trained.
    train
        Where its images come from.
    test
        Sets on which it is evaluated, by name.
    loss
        Terms of the loss.
    metrics
        Options of `snellen.create_metric`, ``name`` among them, by label.
    scale
        By how much images are enlarged.
    steps
        Number of steps of the optimiser, a multiple of `checkpoint_every`.
    batch
        Patches a step.
    patch
        Side of the clean patches.
    seed
        Of the weights and of everything drawn.
    optimiser
        How weights move.
    precision
        ``"float32"``, or ``"bfloat16"`` for mixed precision (losses stay in float32).
    ema
        Decay of the moving average of the weights that is evaluated and saved; None: no average.
    checkpoint_every
        Steps after which the state is saved; what is lost when the run is killed.
    validate_every
        Steps after which the first test set is scored, a multiple of `checkpoint_every`; never,
        before the end, if None.
    border
        Pixels at the edges of test images that do not count.
    workers
        Processes that load images; the weights do not depend on it.

    Raises
    ------
    TrainingError
        A value is out of its range.
    """

    network: NetworkPlan
    train: PairSource
    test: Mapping[str, PairSource]
    loss: Terms
    metrics: Mapping[str, Mapping[str, Any]]
    scale: int = 1
    steps: int = 1000
    batch: int = 4
    patch: int = 128
    seed: int = 0
    optimiser: OptimiserPlan = field(default_factory=OptimiserPlan)
    precision: str = "float32"
    ema: float | None = None
    checkpoint_every: int = 100
    validate_every: int | None = None
    border: int = 0
    workers: int = 0

    def __post_init__(self) -> None:
        _positive(
            scale=self.scale,
            steps=self.steps,
            batch=self.batch,
            patch=self.patch,
            checkpoint_every=self.checkpoint_every,
        )
        _not_negative(seed=self.seed, border=self.border, workers=self.workers)
        if self.precision not in PRECISIONS:
            raise TrainingError(
                f"precision must be one of {', '.join(PRECISIONS)}; got {self.precision!r}."
            )
        if self.ema is not None and not 0 < self.ema < 1:
            raise TrainingError(f"ema must lie between 0 and 1; got {self.ema!r}.")
        if self.steps % self.checkpoint_every:
            raise TrainingError(
                f"steps must be a multiple of checkpoint_every {self.checkpoint_every}; got "
                f"{self.steps}."
            )
        if self.validate_every is not None and (
            self.validate_every < 1 or self.validate_every % self.checkpoint_every
        ):
            raise TrainingError(
                f"validate_every must be a multiple of checkpoint_every {self.checkpoint_every}; "
                f"got {self.validate_every}."
            )
        if self.patch % self.scale:
            raise TrainingError(
                f"patch must be a multiple of the scale {self.scale}; got {self.patch}."
            )
        if not self.loss:
            raise TrainingError("loss: name at least one term.")
        for name, source in {"train": self.train, **self.test}.items():
            made = source.degradation
            if made is not None and made.scale != self.scale:
                raise TrainingError(
                    f"{name}: {made.spec!r} shrinks images by {made.scale}, the plan enlarges by "
                    f"{self.scale}: make them equal."
                )

    def manifest(self) -> dict[str, Any]:
        """Return the plan as plain values, without what does not change the weights."""
        plain = json.loads(json.dumps(asdict(self)))
        return {k: v for k, v in plain.items() if k not in ("workers", "validate_every")}

    def fingerprint(self) -> str:
        """Return a hash of all that the weights and scores depend on, files of weights included."""
        files = [
            value
            for one in (*self.loss.values(), *self.metrics.values())
            for key, value in one.items()
            if key.endswith("weights") and isinstance(value, str) and Path(value).is_file()
        ]
        hashes = {path: file_sha256(Path(path)) for path in files}
        text = json.dumps([self.manifest(), hashes], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise TrainingError(f"{name} must be positive; got {value!r}.")


def _not_negative(**values: float) -> None:
    for name, value in values.items():
        if not value >= 0:
            raise TrainingError(f"{name} must not be negative; got {value!r}.")
