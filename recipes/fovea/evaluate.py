r"""Hold `dfb` against people, next to classical and deep metrics: the tables of ``docs/fovea.md``.

    python recipes/fovea/evaluate.py natural WORK
    python recipes/fovea/evaluate.py score WORK/scores TID2013R LIVE_R
    python recipes/fovea/evaluate.py tables WORK/scores TID2013R LIVE_R --output tables.md

The sets are folders with ``pairs.csv`` (``python regen.py`` in the shared data writes them).
`natural` compares with the consensus on photographs that nothing has seen before. `score` reads
no human score, and keeps what it has done; `tables` compares. Human scores were
looked at once, after the weights were frozen.
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
import typer
from PIL import Image
from rich.progress import track
from scipy.stats import rankdata, spearmanr
from student import consensus
from targets import CONSENSUS, MEMBERS, load_pairs, make_all, shared_data, teachers
from torch import Tensor

from snellen.agreement import Agreement, Estimate, Resampling, agree, compare
from snellen.images import read_image
from snellen.metrics import Metric, create_metric

CLASSICAL = ("psnr", "ssim", "ms-ssim", "fsim", "vsi", "gmsd", "haarpsi", "mdsi")
HIGHER_BETTER = frozenset({"psnr", "ssim", "ms-ssim", "fsim", "vsi", "haarpsi"})
TAPS = ("relu1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9")
TITLES = {
    "dfb": "**dfb (fovea)**",
    "dfb-squeezenet1_0": "dfb, SqueezeNet 1.0",
    "wsd-squeezenet1_0": "wsd, SqueezeNet 1.0",
    "lpips-unweighted": "LPIPS without weights, SqueezeNet 1.0",
    "squeezenet": "teacher: SqueezeNet 1.0, half size, structure-texture",
    "consensus": "consensus of the five teachers (mean rank)",
}
SETS = {"tid2013r": True, "live_r": False}
"""Whether high human scores mean good images."""
EDGE = 8
"""Pixels on every side that are replaced by the edge where images are moved or turned."""

app = typer.Typer()
Lines = list[str]
Change = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def metrics() -> dict[str, Metric]:
    """Make the metrics of the tables; the last one works at half size."""
    weights = shared_data() / "weights/squeezenet1_0.safetensors"
    name = "dfb-squeezenet1_0"
    deep = {n: create_metric(n, weights=weights) for n in (name, "wsd-squeezenet1_0")}
    deep["lpips-unweighted"] = create_metric(
        name, weights=weights, readout="calibrated", layers=TAPS, combine="sum"
    )
    teacher = create_metric(
        name,
        weights=weights,
        readout="structure-texture",
        layers=teachers(weights)["squeezenet"].manifest()["layers"],
        resize="half",
    )
    plain = {n: create_metric(n) for n in (*CLASSICAL, "dfb-gabor", "dfb")}
    return {**plain, **deep, "squeezenet": teacher}


def _cut(image: Tensor, down: int = 0, right: int = 0) -> Tensor:
    height, width = image.shape[2:]
    rows = slice(EDGE + down, height - EDGE + down)
    inner = image[:, :, rows, EDGE + right : width - EDGE + right]
    # Classical metrics choose by the size at which scale they look: it has to stay.
    return F.pad(inner, (EDGE, EDGE, EDGE, EDGE), mode="replicate")


def _turned(image: Tensor) -> Tensor:
    pixels = (image[0].permute(1, 2, 0) * 255).round().byte().numpy()
    turned = Image.fromarray(pixels).rotate(1, Image.Resampling.BICUBIC)
    return torch.from_numpy(np.asarray(turned).copy()).permute(2, 0, 1)[None].float() / 255


CHANGES: Mapping[str, Change] = {
    "none": lambda x, y: (x, y),
    "cut": lambda x, y: (_cut(x), _cut(y)),
    "shift": lambda x, y: (_cut(x, 1, 1), _cut(y)),
    "turn": lambda x, y: (_cut(_turned(x)), _cut(y)),
}
"""What is done to distorted image and reference: ``cut`` is what the other two compare with."""


def read_rows(folder: Path) -> list[dict[str, str]]:
    """Read the list of a set."""
    with (folder / "pairs.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def score_set(
    metric: Metric, folder: Path, output: Path, change: str, every: int, renew: bool
) -> None:
    """Score the images of a set, unless that has been done."""
    if output.exists() and not renew:
        return
    scores, name, reference = [], "", torch.empty(0)
    for row in track(read_rows(folder)[::every], description=output.stem):
        if row["reference"] != name:
            name, reference = row["reference"], read_image(folder / row["reference"])[None]
        distorted = read_image(folder / row["image"])[None]
        pair = CHANGES[change](distorted, reference)
        scores.append(float(metric(*pair)))
    output.parent.mkdir(parents=True, exist_ok=True)
    np.save(output, np.array(scores))


@app.command()
def score(
    work: Annotated[Path, typer.Argument(help="Folder in which scores are kept.")],
    tid2013r: Path,
    live_r: Path,
    renew: Annotated[list[str] | None, typer.Option(help="Metric to score again.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this metric.")] = None,
) -> None:
    """Score all images by all metrics, and every fourth of tid2013r moved and turned."""
    torch.set_num_threads(1)
    jobs = [(tid2013r, "none", 1), (live_r, "none", 1)]
    jobs += [(tid2013r, change, 4) for change in ("cut", "shift", "turn")]
    for folder, change, every in jobs:
        for name, metric in metrics().items():
            if only is None or name in only:
                output = work / f"{folder.name}-{change}-{name}.npy"
                score_set(metric, folder, output, change, every, name in (renew or ()))


def load_scores(work: Path, name: str, change: str) -> dict[str, np.ndarray]:
    """Read the scores of a set, as distances, and add the mean rank of the teachers."""
    found = {}
    for file in sorted(work.glob(f"{name}-{change}-*.npy")):
        metric = file.stem.removeprefix(f"{name}-{change}-")
        sign = -1 if metric in HIGHER_BETTER else 1
        found[metric] = sign * np.load(file)
    if set(CONSENSUS) <= set(found):
        found["consensus"] = np.mean([rankdata(found[member]) for member in CONSENSUS], 0)
    return found


@dataclass(frozen=True)
class Rated:
    """One set: what people say, and what metrics do."""

    scores: Mapping[str, np.ndarray]
    mos: np.ndarray
    contents: list[str]
    types: list[str]
    higher_better: bool

    def agreements(self) -> dict[str, Agreement]:
        """Agreement of every metric, with intervals over contents."""
        return {name: self._agree(values) for name, values in self.scores.items()}

    def _agree(self, values: np.ndarray) -> Agreement:
        return agree(
            values,
            self.mos,
            lower_better=True,
            higher_better=self.higher_better,
            groups=self.contents,
            types=self.types,
            parameters=None,
            kendall=False,
        )

    def lead(self, name: str) -> Estimate:
        """SRCC of `dfb` minus that of another metric, resampled with the same contents."""
        (found,) = compare(
            {"dfb": self.scores["dfb"], name: self.scores[name]},
            self.mos,
            lower_better=True,
            higher_better=self.higher_better,
            groups=self.contents,
        )
        return found.difference


def load_set(work: Path, folder: Path) -> Rated:
    """Read a set and the scores of all metrics on it."""
    rows, scores = read_rows(folder), load_scores(work, folder.name, "none")
    return Rated(
        {name: scores[name] for name in in_order(scores)},
        np.array([float(row["score"]) for row in rows]),
        [Path(row["reference"]).stem for row in rows],
        [row["type"] for row in rows],
        SETS[folder.name],
    )


def pooled_table(sets: Mapping[str, Rated], found: Mapping[str, Mapping[str, Agreement]]) -> Lines:
    """SRCC of all images of each set, its mean over types, and the lead of `dfb`."""
    heads = [f"{name} | mean over types | dfb minus it" for name in sets]
    lines = ["| metric | " + " | ".join(heads) + " |", "| --- |" + " --- |" * 3 * len(sets)]
    for metric in next(iter(found.values())):
        cells = [TITLES.get(metric, metric)]
        for name, agreements in found.items():
            cells.append("{:.3f} [{:.3f}, {:.3f}]".format(*agreements[metric].srcc))
            cells.append(f"{agreements[metric].mean_over_types():.3f}")
            lead = "{:+.3f} [{:+.3f}, {:+.3f}]"
            cells.append("" if metric == "dfb" else lead.format(*sets[name].lead(metric)))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def type_table(found: Mapping[str, Agreement]) -> Lines:
    """SRCC of every type, signed."""
    lines = ["| type | " + " | ".join(TITLES.get(m, m) for m in found) + " |"]
    lines.append("| --- |" + " --- |" * len(found))
    for kind in next(iter(found.values())).by_type:
        values = [f"{one.by_type[kind].srcc.value:.3f}" for one in found.values()]
        lines.append(f"| {kind} | " + " | ".join(values) + " |")
    return lines


def invariance_table(work: Path, folder: Path) -> Lines:
    """SRCC of every fourth image of tid2013r, and what a shift and a turn take away."""
    rows = read_rows(folder)[::4]
    mos = np.array([float(row["score"]) for row in rows])
    by_change = {c: load_scores(work, "tid2013r", c) for c in ("cut", "shift", "turn")}
    lines = ["| metric | SRCC | 1-pixel shift | 1-degree rotation |", "| --- | --- | --- | --- |"]
    complete = set.intersection(*(set(scores) for scores in by_change.values()))
    for metric in (name for name in in_order(by_change["cut"]) if name in complete):
        values = [
            agree(v[metric], mos, lower_better=True, parameters=None, kendall=False,
                  resampling=Resampling(0)).srcc.value
            for v in by_change.values()
        ]  # fmt: skip
        losses = " | ".join(f"{value - values[0]:+.3f}" for value in values[1:])
        lines.append(f"| {TITLES.get(metric, metric)} | {values[0]:.3f} | {losses} |")
    return lines


def in_order(scores: Mapping[str, np.ndarray]) -> list[str]:
    """Names of metrics in the order of the tables."""
    order = ["dfb", *CLASSICAL, "dfb-gabor", *(n for n in TITLES if n != "dfb")]
    return [name for name in order if name in scores]


@app.command()
def natural(work: Annotated[Path, typer.Argument(help="Folder of the targets.")]) -> None:
    """Agreement with the consensus on photographs that took no part in training or choices."""
    torch.set_num_threads(1)
    data = shared_data()
    files = make_all(
        [data / "natural/bsds500/test"],
        data / "weights/squeezenet1_0.safetensors",
        work / "targets/test",
        every=5,
    )
    pairs = load_pairs(sorted(track(files, description="targets: test")))
    target = consensus(pairs, pairs).ravel()
    for name in ("dfb", "dfb-gabor", "psnr", "ssim", "ms-ssim"):
        metric, scores = create_metric(name), []
        for reference, distorted in zip(pairs.references, pairs.distorted, strict=True):
            scores.append(metric(distorted.float() / 255, reference[None].float() / 255))
        value = abs(spearmanr(torch.cat(scores).numpy(), target)[0])
        typer.echo(f"{name}: {value:.4f}")
    for i, name in enumerate(MEMBERS):
        value = spearmanr(pairs.scores[..., i].ravel(), target)[0]
        typer.echo(
            f"{name} (teacher): {value:.4f}" if name in CONSENSUS else f"{name}: {value:.4f}"
        )


@app.command()
def tables(
    work: Annotated[Path, typer.Argument(help="Folder of the scores.")],
    tid2013r: Path,
    live_r: Path,
    output: Annotated[Path, typer.Option("-o", "--output")] = Path("tables.md"),
) -> None:
    """Write the tables as Markdown."""
    sets = {folder.name: load_set(work, folder) for folder in (tid2013r, live_r)}
    found = {name: rated.agreements() for name, rated in sets.items()}
    parts = [pooled_table(sets, found), *(type_table(one) for one in found.values())]
    parts.append(invariance_table(work, tid2013r))
    output.write_text("\n\n".join("\n".join(lines) for lines in parts) + "\n")
    typer.echo(output)


if __name__ == "__main__":
    app()
