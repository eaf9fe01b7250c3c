"""What the response to a degradation in words is a function of: numbers and a figure.

    python recipes/show_text_response.py --figure FILE.png --table FILE.csv

Left: random vectors of 512 dimensions, the definition of Wu et al. step by step against the closed
form. Right: a CLIP (random weights, unless --weights FILE) on photographs of BSDS500 (test).
"""

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from snellen.backbones import EMBEDDING_LAYER, TextTower, create_backbone
from snellen.images import find_images, read_image
from snellen.metrics import PROMPTS, create_metric
from snellen.metrics._text._readings import mean_share, text_response
from snellen.metrics._text._text_metric import square_crops
from snellen.plots import save_figure
from snellen.runs import write_table

SHARES = (0.0, 0.1, 0.3, 0.6)
COLOURS = ("#4477aa", "#228833", "#ccbb44", "#ee6677")


def defined(image: Tensor, way: Tensor, epsilon: float) -> Tensor:
    """DDR of embeddings (N, D) and directions (N, D), step by step."""
    standard = (way - way.mean(1, keepdim=True)) / (way.std(1, keepdim=True) + epsilon)
    moved = image + image.std(1, keepdim=True) * standard + image.mean(1, keepdim=True)
    return 1 - torch.cosine_similarity(image, moved, dim=1)


def closed(rho: NDArray[Any], share: float | NDArray[Any]) -> NDArray[Any]:
    """Evaluate the closed form for epsilon = 0."""
    return np.asarray(1 - np.sqrt((1 + share + (1 - share) * rho) / 2))


def random_vectors(share: float, count: int) -> tuple[Tensor, Tensor, NDArray[Any]]:
    """Draw embeddings whose mean has this share of their energy, directions, correlations."""
    generator = torch.Generator().manual_seed(int(1000 * share))
    image, other = torch.randn(2, count, 512, generator=generator, dtype=torch.float64)
    centred = image - image.mean(1, keepdim=True)
    power = centred.square().mean(1, keepdim=True)
    image = centred + (share / (1 - share) * power).sqrt()
    # Opposite to the bit, F and T cancel, and epsilon alone decides what is left.
    lean = torch.linspace(-0.97, 0.97, count, dtype=torch.float64)[:, None]
    way = lean * centred + (1 - lean.abs()) * other
    rho = [np.corrcoef(x, t)[0, 1] for x, t in zip(image.numpy(), way.numpy(), strict=True)]
    return image, way, np.array(rho)


def differences(share: float, epsilon: float) -> dict[str, float]:
    """Compare the definition with the closed form, and with its limit for epsilon = 0."""
    image, way, rho = random_vectors(share, 401)
    expected = defined(image, way, epsilon)
    pairs = torch.stack([torch.zeros_like(way), way], dim=1)
    found = text_response(image, pairs, epsilon=epsilon, adapt=True).diagonal()
    return {
        "from the closed form": float((found - expected).abs().max()),
        "from its limit": float(np.abs(expected.numpy() - closed(rho, share)).max()),
    }


def clip_rows(weights: str, count: int) -> list[dict[str, Any]]:
    """Return a row for each photograph and degradation: k, rho, the score and the closed form."""
    shared = Path(os.environ.get("SNELLEN_SHARED", Path(__file__).parents[2] / "shared"))
    files = find_images(shared / "data/natural/bsds500/test")
    if not files:
        raise SystemExit(f"no photographs in {shared}; set SNELLEN_SHARED")
    backbone = create_backbone("open_clip/ViT-B-32-quickgelu", weights, layers=[EMBEDDING_LAYER])
    tower = TextTower(backbone)
    tower.embed([prompt for pair in PROMPTS.values() for prompt in pair])
    metrics = {
        (name, reading): create_metric(
            "ddr-text" if reading == "ddr" else "text-correlation",
            backbone=backbone,
            prompts=[PROMPTS[name]],
            crops=False,
        )
        for name in PROMPTS
        for reading in ("ddr", "correlation")
    }
    rows = []
    for file in files[:: len(files) // count][:count]:
        image = square_crops(read_image(file)[None], 224)[0][:1].clamp(0, 1)
        embedded = backbone(image, [EMBEDDING_LAYER])[EMBEDDING_LAYER].flatten(1)
        share = float(mean_share(embedded, embedded.shape[1]))
        for name in PROMPTS:
            rho = -float(metrics[name, "correlation"](image))
            score = float(metrics[name, "ddr"](image))
            rows.append({"photograph": file.stem, "degradation": name, "k": share, "rho": rho,
                         "ddr": score, "closed": float(closed(np.array(rho), share))})  # fmt: skip
    return rows


def draw(rows: list[dict[str, Any]], label: str) -> Figure:
    """Draw response over correlation: random vectors, and CLIP."""
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    line = np.linspace(-1, 1, 201)
    for share, colour in zip(SHARES, COLOURS, strict=True):
        left.plot(line, closed(line, share), color=colour, lw=1.3, label=f"k = {share:g}")
        image, way, rho = random_vectors(share, 41)
        left.plot(rho, defined(image, way, 1e-3).numpy(), ".", color=colour, ms=5)
    left.set_title("random vectors: definition (dots) and closed form", fontsize=10)
    for name, colour in zip(PROMPTS, (*COLOURS, "#aa3377"), strict=True):
        own = [row for row in rows if row["degradation"] == name]
        right.plot([r["rho"] for r in own], [r["ddr"] for r in own], ".", color=colour, ms=6,
                   label=name)  # fmt: skip
    share = float(np.mean([row["k"] for row in rows]))
    low, high = (f([row["rho"] for row in rows]) for f in (min, max))
    line = np.linspace(low, high, 50)
    right.plot(line, closed(line, share), color="0.3", lw=1, label=f"k = {share:.3f} (mean)")
    right.set_title(label, fontsize=10)
    for ax in (left, right):
        ax.set(xlabel="rho: correlation of embedding and text direction", ylabel="DDR")
        ax.grid(alpha=0.25)
        ax.legend(fontsize=8)
    return figure


def main() -> None:
    """Compare, draw, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", default="random")
    parser.add_argument("--photographs", type=int, default=20)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--table", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    table: list[dict[str, Any]] = [
        {"what": f"random vectors, k={share:g}, epsilon={epsilon:g}", **differences(share, epsilon)}
        for share in SHARES
        for epsilon in (0.0, 1e-3)
    ]
    with torch.inference_mode():
        rows = clip_rows(arguments.weights, arguments.photographs)
    shares = [row["k"] for row in rows]
    what = f"CLIP ({arguments.weights}), k from {min(shares):.4f} to {max(shares):.4f}"
    worst = max(abs(row["ddr"] - row["closed"]) for row in rows)
    table.append({"what": what, "from the closed form": None, "from its limit": worst})
    if arguments.table:
        write_table(arguments.table, table, "csv", {"photographs": arguments.photographs})
    if arguments.figure:
        random = arguments.weights == "random"
        label = f"CLIP ViT-B/32{' with random weights' if random else ''}, photographs"
        save_figure(draw(rows, label), arguments.figure)


if __name__ == "__main__":
    main()
