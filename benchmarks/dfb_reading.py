"""Which reading of "cosine distance" stands behind `dfb-gabor`, chosen without human scores.

    python benchmarks/dfb_reading.py [--output FILE]

Photographs of BSDS500 (train; from SNELLEN_SHARED) are distorted in 27 ways. Every reading and
kind of layer of the embedded network is ranked by its SRCC with the consensus (sum of ranks) of
FSIM, VSI, HaarPSI and MDSI over all images. Agreement with people is measured elsewhere, on other
images.
"""

import argparse
import io
import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _measure import write
from PIL import Image, ImageEnhance, ImageFilter
from scipy.stats import rankdata, spearmanr

import snellen
from snellen.backbones import create_backbone
from snellen.images import as_image_batch
from snellen.readouts import create_readout

CONSENSUS = ("fsim", "vsi", "haarpsi", "mdsi")
KINDS = ("simple", "energy", "complex")
READINGS: dict[str, dict[str, Any]] = {
    "position": {"reading": "position"},
    "flattened": {"reading": "flattened"},
    "flattened, centred": {"reading": "flattened", "centred": True},
    "channel": {"reading": "channel"},
    "channel, centred": {"reading": "channel", "centred": True},
}


def photographs(count: int) -> list[Path]:
    shared = Path(os.environ.get("SNELLEN_SHARED", Path(__file__).parents[2] / "shared"))
    files = sorted((shared / "data/natural/bsds500/train").glob("*"))
    if not files:
        raise SystemExit(f"no photographs in {shared}; set SNELLEN_SHARED")
    return files[:: len(files) // count][:count]


def encoded(image: Image.Image, form: str, **options: Any) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return Image.open(buffer).convert("RGB")


def versions(image: Image.Image, random: np.random.Generator) -> Iterator[Image.Image]:
    """Yield 27 distorted versions of a photograph, of nine types."""
    pixels = np.asarray(image) / 255

    def back(values: np.ndarray) -> Image.Image:
        return Image.fromarray((values.clip(0, 1) * 255).round().astype(np.uint8))

    for deviation in (0.02, 0.05, 0.1, 0.2):
        yield back(pixels + deviation * random.standard_normal(pixels.shape))
    for radius in (0.8, 1.5, 3, 5):
        yield image.filter(ImageFilter.GaussianBlur(radius))
    for quality in (60, 25, 10, 4):
        yield encoded(image, "JPEG", quality=quality)
    for rate in (20, 50, 133):
        yield encoded(image, "JPEG2000", quality_mode="rates", quality_layers=[rate])
    for factor in (0.5, 0.8, 1.3):
        yield ImageEnhance.Contrast(image).enhance(factor)
    for factor in (0.5, 1.6):
        yield ImageEnhance.Color(image).enhance(factor)
    for factor in (0.85, 1.15):
        yield ImageEnhance.Brightness(image).enhance(factor)
    for levels in (16, 8):
        yield back(np.floor(pixels * levels).clip(0, levels - 1) / (levels - 1))
    for density in (0.005, 0.02, 0.06):
        spoiled = pixels.copy()
        spoiled[random.random(pixels.shape[:2]) < density] = random.random(3) > 0.5
        yield back(spoiled)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path)
    parser.add_argument("--photographs", type=int, default=14)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    classical = snellen.create_metrics(CONSENSUS)
    backbone = create_backbone("gabor")
    readouts = {name: create_readout("cosine", **options) for name, options in READINGS.items()}
    layers = [f"{kind}{scale}" for kind, scale in product(KINDS, (1, 2, 3, 4))]
    judged: list[list[float]] = []
    measured: dict[tuple[str, str], list[float]] = {k: [] for k in product(KINDS, READINGS)}
    with torch.inference_mode():
        for file in photographs(arguments.photographs):
            original = Image.open(file).convert("RGB")
            y = as_image_batch(original)
            reference = backbone(y, layers)
            for version in versions(original, random):
                x = as_image_batch(version)
                scores = classical(x, y)
                judged.append([float(scores[name]) for name in CONSENSUS])
                features = backbone(x, layers)
                for (kind, reading), values in measured.items():
                    names = [layer for layer in layers if layer.startswith(kind)]
                    distances = (readouts[reading](features[n], reference[n]) for n in names)
                    values.append(sum(float(d) for d in distances) / len(names))
    better = [-1 if classical[name].lower_better else 1 for name in CONSENSUS]
    consensus = sum(rankdata(s * v) for s, v in zip(better, np.array(judged).T, strict=True))
    table: list[dict[str, Any]] = [
        {"layers": kind, "reading": reading, "srcc": -float(spearmanr(v, consensus).statistic)}
        for (kind, reading), v in measured.items()
    ]
    table.sort(key=lambda row: -row["srcc"])
    for row in table:
        print(f"{row['layers']:8s} {row['reading']:20s} {row['srcc']:.3f}")
    if arguments.output:
        write(arguments.output, {"images": len(judged), "consensus": CONSENSUS, "table": table})


if __name__ == "__main__":
    main()
