"""The training loop's inside. Imports Lightning: load this module only to train."""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from snellen.distortions import derived_seed
from snellen.errors import TrainingError
from snellen.images import write_png
from snellen.losses import WeightedSum, create_loss
from snellen.metrics import Metric
from snellen.records import Row, replace_file, table_bytes
from snellen.restoration._evaluation import (
    as_restorer,
    evaluate,
    make_metrics,
    restored_pair,
)
from snellen.restoration._networks import build_network
from snellen.restoration._plan import OptimiserPlan, TrainingPlan

_GRID_IMAGES = 4
_GRID_SIDE = 192


class RestorationModule(lightning.LightningModule):
    """A network, its loss, and a log that goes on exactly where a checkpoint was made.

    Parameters
    ----------
    plan
        The run.
    output
        Where the log and the images go.
    progress
        Called with the number of steps after each of them.
    """

    def __init__(self, plan: TrainingPlan, output: Path, progress: Callable[[int], None]) -> None:
        super().__init__()
        self.plan, self.output, self.progress = plan, output, progress
        self.strict_loading = False  # losses are frozen networks: made again, not stored
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived_seed(plan.seed, "weights"))
            network = build_network(plan.network.name, plan.network.options, scale=plan.scale)
        self.network = network
        self.loss = WeightedSum({name: _term(one) for name, one in plan.loss.items()})
        self.averaged: AveragedModel | None = None
        if plan.ema is not None:
            average = get_ema_multi_avg_fn(plan.ema)  # type: ignore[no-untyped-call]
            self.averaged = AveragedModel(network, multi_avg_fn=average)
            self.averaged.requires_grad_(False)
        self.log_rows: list[Row] = []
        self._metrics: dict[str, Metric] | None = None
        self._sums: dict[str, Tensor] = {}
        self._count, self._start = 0, time.perf_counter()

    @property
    def best(self) -> nn.Module:
        """The network that is evaluated and saved: the averaged one if there is one."""
        if self.averaged is None:
            return self.network
        network: nn.Module = self.averaged.module
        return network

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Restore a batch of patches and compare it with the clean ones."""
        degraded, clean = batch
        total: Tensor = self.loss(self.network(degraded), clean)
        for name, value in {**self.loss.terms, "loss": total.detach()}.items():
            self._sums[name] = self._sums.get(name, 0) + value.float()
        self._count += 1
        return total

    def configure_optimizers(self) -> Any:
        """Make the optimiser, and the cosine that its learning rate follows."""
        optimiser = _optimiser(self.network, self.plan.optimiser)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, schedule_of(self.plan))
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def on_train_epoch_start(self) -> None:
        """Seed what a network draws itself, so that a resumed stretch draws the same."""
        torch.manual_seed(derived_seed(self.plan.seed, f"stretch {self.current_epoch}"))
        self._sums, self._count, self._start = {}, 0, time.perf_counter()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Follow the weights with their average, and report the step."""
        if self.averaged is not None:
            self.averaged.update_parameters(self.network)
        self.progress(self.global_step)

    def on_train_epoch_end(self) -> None:
        """Write the log, and scores and images where they are due.

        Raises
        ------
        TrainingError
            The loss is not finite: the checkpoint before stays.
        """
        if self._count == 0:
            return
        if not math.isfinite(float(self._sums["loss"])):
            raise TrainingError(
                f"the loss became infinite or no number before step {self.global_step}: lower the "
                "learning rate, or limit the gradient (optimiser: clip)."
            )
        row: Row = {
            "step": self.global_step,
            "lr": self.trainer.optimizers[0].param_groups[0]["lr"],
            "seconds": time.perf_counter() - self._start,
            **{name: float(total) / self._count for name, total in self._sums.items()},
        }
        every = self.plan.validate_every
        due = every is not None and self.global_step % every == 0
        row |= self._validate() if due else dict.fromkeys(self._columns())
        self.log_rows.append(row)
        replace_file(self.output / "log.csv", table_bytes(self.log_rows, "csv"))
        for name, value in row.items():
            if name != "step" and isinstance(value, float):
                self.logger.log_metrics({name: value}, self.global_step)  # type: ignore[union-attr]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the log, and of the losses only what they count."""
        state = checkpoint["state_dict"]
        unneeded = [k for k in state if k.startswith("loss.") and not k.endswith(".draws")]
        for key in unneeded:
            del state[key]
        checkpoint["log_rows"] = self.log_rows

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the log."""
        self.log_rows = list(checkpoint["log_rows"])

    def _columns(self) -> list[str]:
        return [f"validation {label}" for label in self.plan.metrics]

    def _validate(self) -> Row:
        """Score the first test set, and write some of its images."""
        name, source = next(iter(self.plan.test.items()))
        if self._metrics is None:
            self._metrics = make_metrics(self.plan.metrics, str(self.device))
        network = self.best
        was_training = network.training
        restorer = as_restorer(network, self.plan.scale)
        rows = list(
            evaluate(
                restorer,
                {name: source},
                self._metrics,
                scale=self.plan.scale,
                border=self.plan.border,
            )
        )
        pairs = source.find()[:_GRID_IMAGES]
        shown = [restored_pair(restorer, pair, source, self.plan.scale) for pair in pairs]
        path = self.output / "images" / f"step-{self.global_step:07d}.png"
        write_png(path, _grid(shown))
        network.train(was_training)
        return {
            f"validation {label}": _mean([row[label] for row in rows])
            for label in self.plan.metrics
        }


def _term(options: Mapping[str, Any]) -> tuple[nn.Module, float]:
    """Make a loss and its weight apart, so that the log holds what the loss is without it."""
    own = {key: value for key, value in options.items() if key != "weight"}
    return create_loss(**own), float(options.get("weight", 1))


def schedule_of(plan: TrainingPlan) -> Callable[[int], float]:
    """Return the factor of the learning rate by step: linear warm-up, then half a cosine."""
    own, last = plan.optimiser, plan.steps
    floor = own.final_lr / own.lr

    def factor(step: int) -> float:
        if step < own.warmup:
            return (step + 1) / own.warmup
        done = min(1.0, (step - own.warmup) / max(1, last - own.warmup))
        return floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2

    return factor


def _optimiser(network: nn.Module, plan: OptimiserPlan) -> torch.optim.Optimizer:
    values, decay = network.parameters(), plan.weight_decay
    if plan.name == "sgd":
        return torch.optim.SGD(values, plan.lr, momentum=plan.betas[0], weight_decay=decay)
    cls = torch.optim.Adam if plan.name == "adam" else torch.optim.AdamW
    return cls(values, plan.lr, betas=plan.betas, weight_decay=decay)


def _grid(shown: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Lay out restored (upper row) and clean images (lower row), cut to one size."""
    side = min(_GRID_SIDE, *(min(x.shape[2:]) for x, _ in shown))
    rows = [torch.cat([_middle(pair[i], side) for pair in shown], 3) for i in (0, 1)]
    return torch.cat(rows, 2)[0]


def _middle(batch: Tensor, side: int) -> Tensor:
    top, left = ((n - side) // 2 for n in batch.shape[2:])
    return batch[..., top : top + side, left : left + side]


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
