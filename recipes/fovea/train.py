r"""Train the embedded network `fovea`; no score of any person is involved.

    python recipes/fovea/train.py WORK

makes the targets (``WORK/targets``, about ten minutes of one core), trains (``WORK/run``, about
half an hour), and writes ``src/snellen/backbones/data/fovea.safetensors``, the network, and
``src/snellen/metrics/data/dfb.safetensors``, the weights of its channels in `dfb`; both without
the channels that training has silenced (``prune.py``). After a kill
the same command goes on where it stopped: targets that exist are kept, and the run goes on from
its last checkpoint to the same weights, as every step draws from its own random numbers. One
thread (``OMP_NUM_THREADS=1``) gives the same file again. Photographs come from
``SNELLEN_SHARED``: the training part of BSDS500 and those of 320 of ImageNet that are large
enough; every second of BSDS500's validation part watches.

The student is the metric `dfb` as it ships: its distance d between two images becomes the score
a log(d + 1e-5) + b, which learns the teachers' consensus.
"""

import csv
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
import torch
import torch.nn.functional as F
import typer
from prune import extremes, live_channels, pruned
from rich.progress import track
from safetensors.torch import save_file
from student import LAYERS, Student, consensus, images, unseen, validate
from targets import Pairs, load_pairs, make_all, shared_data
from torch import Tensor, nn

from snellen.backbones import file_sha256

PACKAGE = Path(__file__).parents[2] / "src/snellen"
NETWORK, HEAD = "backbones/data/fovea.safetensors", "metrics/data/dfb.safetensors"
MARGIN = 1
"""Pixels by which a distorted image may be moved."""


@dataclass(frozen=True)
class Settings:
    """Everything that changes the weights, but for the pairs."""

    steps: int = 4000
    seed: int = 0
    contents: int = 6
    versions: int = 4
    side: int = 192
    rate: float = 3e-3
    decay: float = 0.998
    shifted: float = 0.3
    hold_out: bool = False


def draw_batch(
    pairs: Pairs, target: np.ndarray, allowed: np.ndarray, settings: Settings, step: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return references, distorted versions and targets of a step, from the pairs allowed."""
    random = np.random.default_rng((settings.seed, step))
    references, distorted, targets = [], [], []
    for content in random.choice(len(pairs), settings.contents, replace=False):
        choices = np.flatnonzero(allowed[content])
        repeat = len(choices) < settings.versions
        chosen = random.choice(choices, settings.versions, replace=repeat)
        reference = pairs.references[content][None]
        x, y = _augment(pairs.distorted[content][chosen], reference, settings, random)
        references.append(y)
        distorted.append(x)
        targets.append(target[content, chosen])
    to_float = [torch.cat(part).float() / 255 for part in (references, distorted)]
    return to_float[0], to_float[1], torch.from_numpy(np.concatenate(targets)).float()


def _augment(
    distorted: Tensor, reference: Tensor, settings: Settings, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Crop, move some distorted images by a pixel, and flip: the target stays."""
    side = settings.side
    room = reference.shape[-1] - side - 2 * MARGIN
    top, left = MARGIN + random.integers(0, room + 1, 2)
    moved = []
    for image in distorted:
        move = random.integers(-MARGIN, MARGIN + 1, 2)
        down, right = move if random.random() < settings.shifted else (0, 0)
        rows, columns = top + down, left + right
        moved.append(image[:, rows : rows + side, columns : columns + side])
    x, y = torch.stack(moved), reference[..., top : top + side, left : left + side]
    axes = [axis for axis in (2, 3) if random.random() < 0.5]
    x, y = x.flip(axes), y.flip(axes)
    if random.random() < 0.5:
        x, y = x.transpose(2, 3), y.transpose(2, 3)
    return x, y


class Run:
    """A training run that can be stopped and taken up again."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        torch.manual_seed(settings.seed)
        self.student = Student().to(memory_format=torch.channels_last)
        others = [p for n, p in self.student.named_parameters() if not n.startswith("network.")]
        groups = [
            {"params": list(self.student.network.parameters()), "peak": settings.rate},
            {"params": others, "peak": 5 * settings.rate},
        ]
        self.optimiser = torch.optim.Adam(groups, lr=settings.rate, betas=(0.9, 0.99))
        self.average = {k: v.clone() for k, v in self.student.state_dict().items()}
        self.step = 0
        self.log: list[tuple[int, float]] = []
        self.watched: list[dict[str, float]] = []
        if self.checkpoint.exists():
            self._load()

    @property
    def checkpoint(self) -> Path:
        """File from which the run goes on."""
        return self.folder / "checkpoint.pt"

    def train(self, pairs: Pairs, target: np.ndarray, until: int | None = None) -> Iterator[int]:
        """Train to the last step, or to another, and yield the number of each."""
        last = self.settings.steps if until is None else until
        allowed = ~unseen(pairs) if self.settings.hold_out else np.ones(target.shape, bool)
        while self.step < last:
            loss = self._train_step(*draw_batch(pairs, target, allowed, self.settings, self.step))
            self.step += 1
            self.log.append((self.step, loss))
            yield self.step

    def _train_step(self, references: Tensor, distorted: Tensor, target: Tensor) -> float:
        progress = self.step / self.settings.steps
        rise = min(1.0, (self.step + 1) / 50)
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * rise * (0.5 + 0.5 * math.cos(math.pi * progress))
        score = self.student.score(self.student(references, distorted))
        loss = F.smooth_l1_loss(score, target, beta=0.5)
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.student.network.parameters(), 1.0)
        self.optimiser.step()
        keep = min(self.settings.decay, (2 + self.step) / (11 + self.step))
        with torch.no_grad():
            for name, value in self.student.state_dict().items():
                self.average[name].lerp_(value, 1 - keep)
        return float(loss.detach())

    def save(self) -> None:
        """Write the checkpoint; a kill in the middle leaves the one before."""
        state = {
            "student": self.student.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average,
            "step": self.step,
            "log": self.log,
            "watched": self.watched,
            "settings": asdict(self.settings),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.checkpoint.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def _load(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True)
        if state["settings"] != asdict(self.settings):
            raise SystemExit(f"{self.folder} holds a run with other settings; name another folder")
        self.student.load_state_dict(state["student"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average, self.step = state["average"], state["step"]
        self.log, self.watched = state["log"], state["watched"]

    def averaged(self) -> Student:
        """Return the student with the moving average of its weights, rounded as they ship."""
        student = Student().to(memory_format=torch.channels_last)
        rounded = {k: v.half().float() for k, v in self.average.items() if "network" in k}
        student.load_state_dict(self.average | rounded)
        return student

    def export(self, package: Path, pairs: Pairs) -> list[Path]:
        """Write the network's weights, as float16, and those of its channels.

        Channels that are silent on the pairs and on `extremes` are left out.
        """
        student = self.averaged()
        live = live_channels(student.network, chain(images(pairs), extremes()))
        network = pruned(student.network, live)
        state = {k: v.half().contiguous() for k, v in network.state_dict().items()}
        last = [[name for name in live if name.startswith(layer)][-1] for layer in LAYERS]
        kept = [w[:, live[name]] for w, name in zip(student.log_weights, last, strict=True)]
        weights = torch.cat(kept, 1).detach().exp()
        alpha, beta = (w.reshape(1, -1, 1, 1).contiguous() for w in weights / weights.sum())
        files = [package / NETWORK, package / HEAD]
        for file, tensors in zip(files, (state, {"alpha": alpha, "beta": beta}), strict=True):
            file.parent.mkdir(parents=True, exist_ok=True)
            save_file(tensors, file, {"recipe": "recipes/fovea/train.py"})
            file.chmod(0o644)  # it is written for its owner alone
        return files


def draw_figure(log: list[tuple[int, float]], watched: list[dict[str, float]], path: Path) -> None:
    """Draw the loss and the agreement on the validation photographs."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    steps, losses = np.array(log).T
    window = max(1, len(log) // 100)
    smooth = np.convolve(losses, np.ones(window) / window, "valid")
    left.plot(steps[window - 1 :], smooth)
    left.set(xlabel="step", ylabel=f"loss, mean of {window} steps", ylim=(0, None))
    for name in (key for key in watched[-1] if key != "step"):
        right.plot([w["step"] for w in watched], [w[name] for w in watched], "o-", label=name)
    right.set(xlabel="step", ylabel="SRCC with the consensus")
    right.legend(loc="lower right", frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def write_log(rows: list[dict[str, Any]], path: Path) -> None:
    """Write rows as a table."""
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def targets_of(work: Path) -> tuple[Pairs, Pairs]:
    """Make or find the pairs for training and for validation."""
    data = shared_data()
    teacher = data / "weights/squeezenet1_0.safetensors"
    natural = data / "natural"
    parts = (
        ("train", [natural / "bsds500/train", natural / "photos"], 1),
        ("val", [natural / "bsds500/val"], 2),
    )
    made = []
    for name, folders, every in parts:
        files = make_all(folders, teacher, work / "targets" / name, every)
        made.append(load_pairs(sorted(track(files, description=f"targets: {name}"))))
    return made[0], made[1]


def main(
    work: Annotated[Path, typer.Argument(help="Folder of targets, checkpoints and log.")],
    package: Annotated[Path, typer.Option(help="Folder under which both files are put.")] = PACKAGE,
    steps: Annotated[int, typer.Option(help="Training steps.")] = Settings.steps,
    seed: Annotated[int, typer.Option(help="Of first weights and batches.")] = 0,
    hold_out: Annotated[bool, typer.Option(help="Leave twelve types out.")] = False,
    run: Annotated[str, typer.Option(help="Name of the run's folder.")] = "run",
) -> None:
    """Make targets, train, and write the weights."""
    torch.set_num_threads(1)
    pairs, watch = targets_of(work)
    settings = replace(Settings(), steps=steps, seed=seed, hold_out=hold_out)
    training = Run(settings, work / run)
    target, expected = consensus(pairs, pairs), consensus(watch, pairs)
    for step in track(training.train(pairs, target), total=steps - training.step):
        if step % 500 == 0 or step == steps:
            found = validate(training.averaged(), watch, expected)
            training.watched.append({"step": step, **found})
            typer.echo(f"{step}: " + ", ".join(f"{k} {v:.4f}" for k, v in found.items()))
        if step % 100 == 0 or step == steps:
            training.save()
    write_log([{"step": s, "loss": v} for s, v in training.log], training.folder / "loss.csv")
    write_log(training.watched, training.folder / "validation.csv")
    draw_figure(training.log, training.watched, training.folder / "training.png")
    for file in training.export(package, pairs):
        typer.echo(f"{file}: {file.stat().st_size} bytes, sha256 {file_sha256(file)}")


if __name__ == "__main__":
    typer.run(main)
