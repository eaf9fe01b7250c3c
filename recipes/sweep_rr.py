"""Which options of reduced-reference metrics are the defaults, chosen without human scores.

    python recipes/sweep_rr.py [--weights squeezenet1_0.safetensors] [--output FILE.csv]

Eight photographs of BSDS500 (val; from SNELLEN_SHARED; none of them took part in the fit) are
distorted in the 25 ways of KADID-10k at levels 2 and 4, and in all other ways of the catalogue at
level 3. Every pooling, transform and choice of layers is ranked by its SRCC with the consensus
(mean rank) of FSIM, VSI, HaarPSI and MDSI over all images: with all pooled features ("all"), with
few values of a seeded projection, and, for the embedded networks, of one that is taught on the
other photographs (four folds). So are PSNR and the projection that ships.
"""

import argparse
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fit_rr import photographs
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from snellen.distortions import distort, list_distortions
from snellen.metrics import ReducedReferenceMetric, create_metric, create_metrics
from snellen.metrics._fit_projection import _taught, _whitened_components
from snellen.metrics._reduced._pooling import POOLINGS, TRANSFORMS
from snellen.metrics._reduced._projection import seeded_projection
from snellen.runs import write_table

Numbers = NDArray[np.float64]
CONSENSUS = ("fsim", "vsi", "haarpsi", "mdsi")
VALUES = (2, 4, 8, 16, 32, 64)
PLAIN = {"pooling": "mean-std", "transform": "none"}
EMBEDDED = ("rr-gabor", "rr-fovea")
STAGES = tuple(f"stage{i}" for i in (1, 2, 3, 4))
GABOR = {
    kind: tuple(f"{kind}{scale}" for scale in (1, 2, 3, 4))
    for kind in ("simple", "energy", "complex")
}
LAYERS = {
    "rr-gabor": GABOR | {"opponent + complex": ("opponent", *GABOR["complex"])},
    "rr-fovea": {
        "stages": STAGES,
        "retina + stages": ("retina", *STAGES),
        "stages 1 to 3": STAGES[:3],
        "stage3": STAGES[2:3],
        "stage4": STAGES[3:],
    },
    "rr-squeezenet1_0": {name: (name,) for name in ("relu1", "fire2", "fire4", "fire5", "fire9")}
    | {"stages": ("relu1", "fire4", "fire8", "fire9")},
}


def main() -> None:
    """Sweep, and write a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights")
    parser.add_argument("--photographs", type=int, default=8)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--cache", type=Path, help="file of what was observed, to go on from")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    plain = {name: _plain(name, None) for name in EMBEDDED}
    if arguments.weights:
        plain["rr-squeezenet1_0"] = _plain("rr-squeezenet1_0", arguments.weights)
    seen = recall(arguments.cache, plain, arguments.photographs)
    badness, new, contents = seen["badness"], seen["new"], seen["contents"]
    rows = []
    for name, metric in plain.items():
        for label, x, y in variants(name, metric, seen[name]):
            rows.append(seeded(name, label, x - y, badness))
            if name in EMBEDDED:
                rows.append(taught(name, label, x - y, badness, contents))
    parts = {"all images": slice(None), "types of the fit": ~new, "new types": new}
    for what, of in parts.items():
        rows.append(shipped(plain["rr-gabor"], seen["rr-gabor"], badness, what, of))
        rows.append(_row("psnr", what, {"all": seen["psnr"][of, None]}, badness[of]))
    rows.sort(key=lambda row: (row["metric"], -np.nan_to_num(row["mean"])))
    for row in rows:
        cells = (f"{v:.3f}" if isinstance(v, float) else f"{v:32}" for v in row.values())
        print("  ".join(cells))  # noqa: T201
    if arguments.output:
        write_table(arguments.output, rows, "csv", {n: m.manifest() for n, m in plain.items()})


def _plain(name: str, weights: str | None) -> ReducedReferenceMetric:
    layers = list(dict.fromkeys(layer for chosen in LAYERS[name].values() for layer in chosen))
    made = create_metric(name, weights=weights, layers=layers, readout_options=PLAIN)
    assert isinstance(made, ReducedReferenceMetric)
    return made


def recall(
    cache: Path | None, metrics: dict[str, ReducedReferenceMetric], count: int
) -> dict[str, NDArray[Any]]:
    """Observe, or read what was observed before."""
    if cache is not None and cache.exists():
        return dict(np.load(cache))
    with torch.inference_mode():
        seen = observe(metrics, count)
    if cache is not None:
        np.savez_compressed(cache, **seen)
    return seen


def observe(metrics: dict[str, ReducedReferenceMetric], count: int) -> dict[str, NDArray[Any]]:
    """Return pooled features of images and references (N, 2, D), and facts of every image."""
    judges = create_metrics([*CONSENSUS, "psnr"])
    kadid = [one.name for one in list_distortions(source="kadid")]
    others = [one.name for one in list_distortions() if one.name not in kadid]
    specs = [f"{name}:{level}" for name in kadid for level in (2, 4)]
    specs += [f"{name}:3" for name in others]
    pooled: dict[str, list[Numbers]] = {name: [] for name in metrics}
    judged = []
    for i, image in enumerate(photographs(count, "val")):
        y = image[None]
        reference = {name: metric.pooled(y) for name, metric in metrics.items()}
        for spec in specs:
            x = distort(y, spec, seed=i)
            scores = judges(x, y)
            judged.append([float(scores[m.name]) * (1 if m.lower_better else -1) for m in judges])
            for name, metric in metrics.items():
                pooled[name].append(torch.cat([metric.pooled(x), reference[name]]).numpy())
    *teachers, psnr = np.array(judged).T
    return {name: np.stack(rows) for name, rows in pooled.items()} | {
        "badness": np.mean([rankdata(column) for column in teachers], 0),
        "psnr": psnr - psnr.min(),
        "new": np.array([spec.partition(":")[0] in others for spec in specs] * count),
        "contents": np.repeat(np.arange(count), len(specs)),
    }


def _kept(
    metric: ReducedReferenceMetric, layers: tuple[str, ...], pooling: str
) -> NDArray[np.intp]:
    """Return where the statistics of some layers stand among those of all."""
    positions, start = {}, 0
    for name in metric.layers:
        channels = metric.backbone.layer(name).channels
        means, stds = np.split(np.arange(start, start + 2 * channels), 2)
        positions[name] = {"mean": [means], "std": [stds], "mean-std": [means, stds]}[pooling]
        start += 2 * channels
    return np.concatenate([part for name in layers for part in positions[name]])


def _row(metric: str, what: str, moved: dict[Any, Numbers], badness: Numbers) -> dict[str, Any]:
    found = {
        str(k): float(spearmanr(np.linalg.norm(d, axis=1), badness).statistic)
        for k, d in moved.items()
    }
    few = [value for key, value in found.items() if key != "all"]
    columns = dict.fromkeys(["all", *map(str, VALUES)], float("nan"))
    mean = float(np.mean(few)) if few else float("nan")
    return {"metric": metric, "what": what} | columns | found | {"mean": mean}


def variants(
    name: str, metric: ReducedReferenceMetric, pooled: Numbers
) -> Iterator[tuple[str, Numbers, Numbers]]:
    """Yield every choice of layers, pooling and transform: its name, images, references."""
    for (label, layers), pooling, transform in product(LAYERS[name].items(), POOLINGS, TRANSFORMS):
        changed = TRANSFORMS[transform](
            torch.from_numpy(pooled[..., _kept(metric, layers, pooling)])
        )
        yield f"{label}, {pooling}, {transform}", *changed.numpy().swapaxes(0, 1)


def seeded(name: str, label: str, moved: Numbers, badness: Numbers) -> dict[str, Any]:
    """Judge all pooled features, and few values of a seeded projection."""
    size = moved.shape[1]
    few = {k: moved @ seeded_projection(size, min(k, size), 0).matrix.numpy() for k in VALUES}
    return _row(f"{name}, seeded", label, {"all": moved} | few, badness)


def taught(
    name: str, label: str, moved: Numbers, badness: Numbers, contents: NDArray[np.int64]
) -> dict[str, Any]:
    """Judge few values of a projection that was taught on other photographs."""
    most = min(64, moved.shape[1])
    values = np.zeros((len(moved), most))
    for fold in range(4):
        held = contents % 4 == fold
        basis = _whitened_components(moved[~held], most)
        basis = basis @ _taught(moved[~held] @ basis, badness[~held])
        values[held] = moved[held] @ basis
    return _row(f"{name}, taught", label, {k: values[:, :k] for k in VALUES}, badness)


def shipped(
    metric: ReducedReferenceMetric, pooled: Numbers, badness: Numbers, what: str, of: Any
) -> dict[str, Any]:
    """Judge the projection that ships on some of the images."""
    made = create_metric("rr-gabor", values=64)
    assert isinstance(made, ReducedReferenceMetric)
    kept = _kept(metric, made.layers, made.pooling.statistics)
    x, y = TRANSFORMS[made.pooling.transform](torch.from_numpy(pooled[of][..., kept])).unbind(1)
    moved = (made.projection(x, 64) - made.projection(y, 64)).numpy()
    return _row("rr-gabor, shipped", what, {k: moved[:, :k] for k in VALUES}, badness[of])


if __name__ == "__main__":
    main()
