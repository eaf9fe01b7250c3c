"""Fit the projection that ships with `rr-gabor`.

    python recipes/fit_rr.py

The same for another network: --metric rr-squeezenet1_0 --weights FILE --output FILE.

Sixteen photographs of BSDS500 (train; from SNELLEN_SHARED), 320 x 240 pixels from their centre,
are distorted in the 25 ways of KADID-10k at levels 1, 3 and 5. No human scores are used.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from snellen.images import read_image
from snellen.metrics import ReducedReferenceMetric, create_metric, fit_projection

SHIPPED = Path(__file__).parents[1] / "src/snellen/metrics/data/rr-gabor.safetensors"
SHORT, LONG = 240, 320
TEACHERS = ("fsim", "vsi", "haarpsi", "mdsi")


def photographs(count: int, split: str = "train") -> Iterator[Tensor]:
    """Read the central part of some photographs, evenly chosen."""
    shared = Path(os.environ.get("SNELLEN_SHARED", Path(__file__).parents[2] / "shared"))
    files = sorted((shared / "data/natural/bsds500" / split).glob("*.jpg"))
    if not files:
        raise SystemExit(f"no photographs in {shared}; set SNELLEN_SHARED")
    for file in files[:: len(files) // count][:count]:
        image = read_image(file)
        height, width = (SHORT, LONG) if image.shape[1] < image.shape[2] else (LONG, SHORT)
        top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
        yield image[:, top : top + height, left : left + width]


def main() -> None:
    """Fit and save."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=SHIPPED)
    parser.add_argument("--metric", default="rr-gabor")
    parser.add_argument("--weights")
    parser.add_argument("--photographs", type=int, default=16)
    parser.add_argument("--plain", action="store_true", help="principal components, no teachers")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    metric = create_metric(arguments.metric, weights=arguments.weights)
    assert isinstance(metric, ReducedReferenceMetric)
    teachers = () if arguments.plain else TEACHERS
    images = photographs(arguments.photographs)
    fit_projection(images, metric, teachers=teachers).save(arguments.output)


if __name__ == "__main__":
    main()
