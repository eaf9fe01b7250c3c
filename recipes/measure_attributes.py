"""How attributes, responses to degradations and blind quality go together.

    python recipes/measure_attributes.py --table FILE.csv --correlations FILE.csv \
        --figure FILE.png --ranking FILE.png

Photographs of BSDS500 (test; from SNELLEN_SHARED), 288 x 288 pixels from their centre, as they are
and under blur, noise and JPEG at levels 2 and 4. Photographs are resampled, not images. No human
scores are used.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from snellen.agreement import Resampling
from snellen.distortions import distort
from snellen.images import find_images, read_image
from snellen.metrics import create_metrics, list_metrics
from snellen.plots import plot_correlations, plot_ranking, save_figure
from snellen.records import write_table
from snellen.runs import correlation_table

SIDE = 288
DISTORTIONS = ("blur:2", "blur:4", "noise:2", "noise:4", "jpeg:2", "jpeg:4")
OTHERS = ("niqe-bsds", "ddr-blur:3", "ddr-noise:3", "ddr-jpeg:3", "ddr-contrast:3")


def images(count: int) -> Iterator[tuple[str, str, Tensor]]:
    """Yield photograph, distortion and image (1, 3, 288, 288)."""
    shared = Path(os.environ.get("SNELLEN_SHARED", Path(__file__).parents[2] / "shared"))
    files = find_images(shared / "data/natural/bsds500/test")
    if not files:
        raise SystemExit(f"no photographs in {shared}; set SNELLEN_SHARED")
    for file in files[:: len(files) // count][:count]:
        image = read_image(file)[None]
        top, left = ((side - SIDE) // 2 for side in image.shape[2:])
        image = image[..., top : top + SIDE, left : left + SIDE]
        yield file.stem, "none", image
        for spec in DISTORTIONS:
            yield file.stem, spec, distort(image, spec, seed=0)


def main() -> None:
    """Measure, correlate, draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photographs", type=int, default=24)
    parser.add_argument("--metric", action="append", help="beside the attributes")
    parser.add_argument("--backbone", help="network of the responses")
    parser.add_argument("--table", type=Path)
    parser.add_argument("--correlations", type=Path)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--ranking", type=Path, help="sheet of the simplest and most complex")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    names = [*list_metrics(kind="attribute"), *(arguments.metric or OTHERS)]
    options = {"backbone": arguments.backbone} if arguments.backbone else {}
    metrics = create_metrics(names, **options)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for photograph, distortion, image in images(arguments.photographs):
            file = Path(folder) / f"{photograph}-{distortion.replace(':', '')}.png"
            pixels = (image[0].permute(1, 2, 0) * 255).round().byte().numpy()
            Image.fromarray(np.ascontiguousarray(pixels)).save(file)
            scores = {name: float(score) for name, score in metrics(file).items()}
            rows.append({"image": str(file), "photograph": photograph, "distortion": distortion}
                        | scores)  # fmt: skip
        if arguments.ranking:
            pristine = [row for row in rows if row["distortion"] == "none"]
            save_figure(plot_ranking(pristine, "complexity"), arguments.ranking)
    if arguments.table:
        plain = [{**row, "image": Path(row["image"]).name} for row in rows]
        write_table(arguments.table, plain, metrics.manifest())
    table = correlation_table(rows, names, groups="photograph", resampling=Resampling(1000))
    if arguments.correlations:
        write_table(arguments.correlations, table, metrics.manifest())
    if arguments.figure:
        title = f"{len(rows)} images of {arguments.photographs} photographs"
        save_figure(plot_correlations(table, title=title), arguments.figure)


if __name__ == "__main__":
    main()
