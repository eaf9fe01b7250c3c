"""Ray workers: images per second of two against one, one thread each, in turn.

    python benchmarks/ray_scaling.py [--output FILE] [--images 400] [--metric dfb] [--rounds 3]

Makes JPEG files of 512 x 384 pixels, starts one Ray for the whole benchmark, and scores the files
against one reference by 1, 2, ... workers of one core in turn, after a round that warms the
system up. Time runs from the first row to the last: starting workers costs seconds once, whatever
the number of images, and is reported on its own.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _measure import hardware, write
from PIL import Image

import snellen.runs


def make_images(folder: Path, count: int) -> list[Path]:
    """Write distorted versions of a smooth texture, and the texture itself first."""
    generator = np.random.default_rng(0)
    coarse = Image.fromarray(generator.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    texture = np.asarray(coarse.resize((512, 384), Image.Resampling.BICUBIC), np.int16)
    files = [folder / f"{i:05d}.jpg" for i in range(count)]
    for i, file in enumerate(files):
        spread = i % 30 + 1
        noise = generator.integers(-spread, spread + 1, texture.shape)
        pixels = (texture + noise * (i > 0)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(file, quality=90)
    return files


def rate(files: list[Path], metric: str, workers: int, block: int) -> dict[str, float]:
    """Score all files; images per second from the first row on, and seconds before it."""
    start = time.perf_counter()
    rows = snellen.runs.score(
        [files[0].parent], metric, reference=files[0], engine="ray", device="cpu",
        engine_options={"workers": workers, "cpus": 1, "block": block},
    )  # fmt: skip
    first = next(rows)
    begun = time.perf_counter()
    errors = [row["error"] for row in rows if row["error"]] + [first["error"]] * bool(
        first["error"]
    )
    if errors:
        raise SystemExit(f"images failed: {errors[0]}")
    seconds = time.perf_counter() - begun
    # Every worker's first block is done, or nearly, when the first row is there.
    counted = len(files) - workers * block
    return {"images_per_second": counted / seconds, "seconds_before_first_row": begun - start}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, help="JSON file; standard output by default")
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--metric", default="dfb")
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--block", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.images < 8 * max(arguments.workers) * arguments.block:
        parser.error("--images: take 8 times as many as all workers have in one block, or more")
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(
        num_cpus=max(arguments.workers), include_dashboard=False, log_to_driver=False,
        logging_level="error",
    )  # fmt: skip
    rounds: list[dict[int, dict[str, float]]] = []
    with tempfile.TemporaryDirectory() as name:
        files = make_images(Path(name), arguments.images)
        for _ in range(arguments.rounds + 1):
            rounds.append(
                {n: rate(files, arguments.metric, n, arguments.block) for n in arguments.workers}
            )
    ray.shutdown()
    write(arguments.output, {"schema": 1, "hardware": hardware(), "metric": arguments.metric,
                             "images": arguments.images, **summary(rounds[1:])})  # fmt: skip


def summary(rounds: list[dict[int, dict[str, float]]]) -> dict[str, Any]:
    """Medians over rounds, and the ratio of each number of workers to the first by round."""
    counts = list(rounds[0])
    return {
        "workers": {
            str(n): {key: statistics.median(r[n][key] for r in rounds) for key in rounds[0][n]}
            for n in counts
        },
        "ratio": {
            f"{n} to {counts[0]}": statistics.median(
                r[n]["images_per_second"] / r[counts[0]]["images_per_second"] for r in rounds
            )
            for n in counts[1:]
        },
        "rounds": [{str(n): r[n]["images_per_second"] for n in counts} for r in rounds],
    }


if __name__ == "__main__":
    main()
