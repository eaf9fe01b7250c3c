"""A pair of images of 100 megapixels, tile by tile: peak memory, time, and the same score.

    python benchmarks/large_image.py [--output FILE] [--megapixels 100] [--metric dfb] [--whole]

Writes two PNG files of the given size, scores them in a process of its own through
`Metric.tiled`, and reports the peak of that process's resident memory. Then a part of the same
pair that fits into memory is scored both ways. With --whole the full pair is scored at once as
well, which takes some 30 bytes a pixel and image and more.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _measure import hardware, write
from PIL import Image

import snellen


def make_pair(folder: Path, megapixels: float) -> list[Path]:
    """Write a textured image, and the same with noise, row block by row block."""
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    height = round(megapixels * 1e6 / width)
    generator = np.random.default_rng(0)
    cells = generator.integers(0, 256, (height // 37 + 2, width // 41 + 2, 3), dtype=np.uint8)
    reference = np.empty((height, width, 3), np.uint8)
    columns = np.arange(width) // 41
    for top in range(0, height, 512):
        rows = np.arange(top, min(height, top + 512))
        texture = generator.integers(0, 48, (len(rows), width, 1), dtype=np.uint8)
        reference[rows] = cells[(rows // 37)[:, None], columns[None]] // 2 + texture
    files = [folder / "distorted.png", folder / "reference.png"]
    Image.fromarray(reference).save(files[1], compress_level=1)
    for top in range(0, height, 512):
        part = reference[top : top + 512]
        noise = generator.integers(0, 12, part.shape, dtype=np.uint8)
        part += noise
    Image.fromarray(reference).save(files[0], compress_level=1)
    return files


def score_once(files: list[str], metric: str, side: int, whole: bool) -> dict[str, Any]:
    """Score in this process; what it took at its peak is part of the result."""
    made = snellen.create_metric(metric)
    before = _peak()
    start = time.perf_counter()
    score = made(*files) if whole else made.tiled(*files, side=side)
    return {
        "score": float(score),
        "seconds": time.perf_counter() - start,
        "peak_gb": _peak(),
        "peak_before_gb": before,
    }


def _peak() -> float:
    status = Path("/proc/self/status")
    if status.exists():  # the other counter begins with what the parent process had
        lines = status.read_text().splitlines()
        return next(int(x.split()[1]) for x in lines if x.startswith("VmHWM")) * 1024 / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def in_process(files: list[Path], arguments: argparse.Namespace, whole: bool) -> dict[str, Any]:
    """Score in a new process, whose peak of memory is that of the scoring alone."""
    command = [sys.executable, __file__, "--score", *map(str, files), "--metric", arguments.metric]
    command += ["--side", str(arguments.side), "--threads", str(arguments.threads)]
    done = subprocess.run(
        command + ["--whole"] * whole, stdout=subprocess.PIPE, check=False, text=True
    )
    if done.returncode:
        return {"failed": f"exit status {done.returncode}"}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def cut(files: list[Path], side: int) -> list[Path]:
    """Write a part of both images that fits into memory, of odd size."""
    cuts = []
    for file in files:
        cuts.append(file.with_name(f"part-{file.name}"))
        with Image.open(file) as image:
            box = (0, 0, min(side + 1, image.width), min(side - 1, image.height))
            image.crop(box).save(cuts[-1], compress_level=1)
    return cuts


def main() -> None:
    Image.MAX_IMAGE_PIXELS = None
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, help="JSON file; standard output by default")
    parser.add_argument("--megapixels", type=float, default=100.0)
    parser.add_argument("--metric", default="dfb")
    parser.add_argument("--side", type=int, default=768, help="of a tile, in pixels")
    parser.add_argument("--part", type=int, default=3000, help="side of what is scored both ways")
    parser.add_argument("--whole", action="store_true", help="score the full pair at once as well")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--score", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.score:
        found = score_once(arguments.score, arguments.metric, arguments.side, arguments.whole)
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as name:
        files = make_pair(Path(name), arguments.megapixels)
        with Image.open(files[0]) as image:
            size = image.size
        results = {"full": {"tiled": in_process(files, arguments, whole=False)}}
        if arguments.whole:
            results["full"]["whole"] = in_process(files, arguments, whole=True)
        parts = cut(files, arguments.part)
        results["part"] = {
            kind: in_process(parts, arguments, whole=kind == "whole") for kind in ("tiled", "whole")
        }
    for pair in results.values():
        if "score" in pair["tiled"] and "score" in pair.get("whole", {}):
            whole = pair["whole"]["score"]
            pair["relative_change"] = abs(pair["tiled"]["score"] - whole) / abs(whole)
    record = {"schema": 1, "hardware": hardware(), "metric": arguments.metric, "size": size,
              "side": arguments.side, "results": results}  # fmt: skip
    write(arguments.output, record)


if __name__ == "__main__":
    main()
