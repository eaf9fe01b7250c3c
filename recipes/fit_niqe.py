"""Fit the pristine model that ships with `niqe-bsds`.

    python recipes/fit_niqe.py

The published procedure on the 200 training images of BSDS500 (from SNELLEN_SHARED): blocks of
96 x 96 pixels sharper than 0.75 times the sharpest of their image. Deterministic; no human scores.
"""

import argparse
import os
from pathlib import Path

import torch

from snellen.images import find_images, gray_levels, read_image
from snellen.metrics import fit_scene_model, save_scene_model

SHIPPED = Path(__file__).parents[1] / "src/snellen/metrics/data/niqe-bsds.safetensors"


def main() -> None:
    """Fit and save."""
    shared = Path(os.environ.get("SNELLEN_SHARED", Path(__file__).parents[2] / "shared"))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=Path, default=shared / "data/natural/bsds500/train")
    parser.add_argument("--output", type=Path, default=SHIPPED)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    files = find_images(arguments.images)
    if not files:
        raise SystemExit(f"no images in {arguments.images}; set SNELLEN_SHARED")
    model = fit_scene_model(gray_levels(read_image(file)[None]) for file in files)
    fit = {
        "format": "snellen scene model 1",
        "images": f"{len(files)} of BSDS500 train"
        if arguments.output == SHIPPED
        else str(len(files)),
        "block": "96",
        "sharpness": "0.75",
    }
    save_scene_model(model, arguments.output, fit)


if __name__ == "__main__":
    main()
