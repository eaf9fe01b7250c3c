"""Ray workers: images per second of two against one, one thread each, in turn.

    python benchmarks/ray_scaling.py [--output FILE] [--rounds 3] [--seconds 60] [--metric dfb]

Makes JPEG files of 512 x 384 pixels, starts one Ray for the whole benchmark, and scores the files,
over and over, against one reference by 1, 2, 1, 2, ... workers of one core. In every round the
rate is that of the rows which come in `--seconds`, all workers at work from before the first of
them until after the last: rows that come within `--settle` seconds of the first one are not
counted, because workers do not begin at the same moment, and the round is cut off while all are
busy. Starting workers costs seconds once, whatever the number of images, and is reported on its
own. Takes rounds x numbers of workers x (60 + 5 + a start of some 5 to 10 seconds): eight minutes.
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

DISTINCT = 200  # images that differ
ROWS = 200_000  # in the list of their names: more than any round reads

Round = dict[int, dict[str, float]]


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


def make_list(folder: Path, files: list[Path]) -> Path:
    """Write a list that names the files over and over."""
    names = folder / "names.txt"
    whole = "".join(f"{file.name}\n" for file in files)
    names.write_text(whole * (ROWS // len(files)))
    return names


def rate(
    names: Path, reference: Path, workers: int, arguments: argparse.Namespace
) -> dict[str, float]:
    """Score for a while; images per second while all workers are busy, and seconds before."""
    start = time.perf_counter()
    rows = snellen.runs.score(
        names, arguments.metric, reference=reference, engine="ray", device="cpu",
        engine_options={"workers": workers, "cpus": 1, "block": arguments.block},
    )  # fmt: skip
    first = begun = ended = counted = 0.0
    for row in rows:
        now = time.perf_counter()
        if row["error"]:
            raise SystemExit(f"an image failed: {row['error']}")
        first = first or now
        if now - first < arguments.settle:
            continue
        begun = begun or now
        if now - begun >= arguments.seconds:
            ended = now
            break
        counted += 1
    del rows  # ends the workers
    if not ended:
        raise SystemExit(f"the list of {ROWS} names was over before --seconds: take fewer")
    return {
        "images_per_second": counted / (ended - begun),
        "seconds": ended - begun,
        "seconds_before_first_row": first - start,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, help="JSON file; standard output by default")
    parser.add_argument("--metric", default="dfb")
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--block", type=int, default=32, help="images that a worker gets at once")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0, help="that are counted, a round")
    parser.add_argument("--settle", type=float, default=5.0, help="seconds before those")
    arguments = parser.parse_args()
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    load = os.getloadavg()[0]
    ray.init(
        num_cpus=max(arguments.workers), include_dashboard=False, log_to_driver=False,
        logging_level="error",
    )  # fmt: skip
    rounds: list[Round] = []
    with tempfile.TemporaryDirectory() as name:
        files = make_images(Path(name), DISTINCT)
        names = make_list(Path(name), files)
        for _ in range(arguments.rounds):
            rounds.append({n: rate(names, files[0], n, arguments) for n in arguments.workers})
            said = {n: round(one["images_per_second"], 2) for n, one in rounds[-1].items()}
            print(f"images per second by workers: {said}", flush=True)
    ray.shutdown()
    record = {"schema": 2, "hardware": hardware(), "load_before": load, "metric": arguments.metric,
              "block": arguments.block, "seconds": arguments.seconds}  # fmt: skip
    write(arguments.output, record | summary(rounds))


def summary(rounds: list[Round]) -> dict[str, Any]:
    """Medians over rounds, and the ratio of each number of workers to the first, by round."""
    first, *others = rounds[0]
    rates = [{n: one["images_per_second"] for n, one in each.items()} for each in rounds]
    ratios = {f"{n} to {first}": [each[n] / each[first] for each in rates] for n in others}
    return {
        "workers": {
            str(n): {key: statistics.median(r[n][key] for r in rounds) for key in rounds[0][n]}
            for n in rounds[0]
        },
        "ratio": {
            name: {"median": statistics.median(found), "least": min(found), "most": max(found)}
            for name, found in ratios.items()
        },
        "rounds": [{str(n): one for n, one in each.items()} for each in rates],
    }


if __name__ == "__main__":
    main()
