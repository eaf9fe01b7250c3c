"""Images per second from files to rows, against the bare network, and against pyiqa's command.

    python benchmarks/throughput.py [--output FILE] [--images 300] [--size 512x384] [--repeats 5]

Photograph-like JPEGs are made by the script. In one process, in turn, every round times:

- the bare network: the metric on images that are decoded already, at the batch size that was best
  on this machine (all of 1 to 64 are tried first);
- end to end: `snellen.runs.score` from the folder into Parquet parts, decoding, hashing, and
  writing included.

What is reported is the ratio by round, median and quartiles, for one reference for all, and for
pairs. Then, each as a command of its own with its start included, in turn: `snellen score` and
`pyiqa`, both PSNR of the same folders; where `pyiqa` is not installed that part is left out, and
says so. At last the peak memory of runs over more and more images, each in a process of its own.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _measure import hardware, interleaved, ratio, summary, write
from PIL import Image

from snellen.images import read_image
from snellen.metrics import MetricSet, create_metrics
from snellen.runs import keep_freed_memory, score

BATCHES = (1, 2, 4, 8, 16, 32, 64)

MEMORY = """
import json, re, sys, torch
from pathlib import Path
from snellen.runs import keep_freed_memory, score
torch.set_num_threads(int(sys.argv[4]))
keep_freed_memory()
folder, limit, sink = sys.argv[1], int(sys.argv[2]), sys.argv[3]
done = score(folder, "dfb", reference=f"{folder}/00000.jpg", sink=sink, limit=limit)
# Not getrusage: a new process inherits the peak of the one that started it.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
print(json.dumps({"images": done.rows, "peak_mib": peak / 1024, "seconds": done.seconds}))
"""


def make_images(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """Write JPEGs of smooth random textures with fine noise, about as large as photographs."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    width, height = size
    for i in range(count):
        coarse = generator.integers(0, 256, (height // 16 + 1, width // 16 + 1, 3), dtype=np.uint8)
        smooth = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))
        noisy = smooth + generator.normal(0, 6, smooth.shape)
        image = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
        image.save(folder / f"{i:05d}.jpg", quality=90)
    return folder


def bare_network(
    metrics: MetricSet, images: torch.Tensor, shared: bool, repeats: int
) -> tuple[Callable[[], object], int]:
    """Return a pass over decoded images at the best batch size, and that size."""
    reference = metrics.prepare(images[:1]) if shared else images.flip(0)

    def passes(batch: int) -> Callable[[], object]:
        def run() -> None:
            for i in range(0, len(images), batch):
                other = reference if shared else reference[i : i + batch]
                metrics(images[i : i + batch], other)

        return run

    sizes = [batch for batch in BATCHES if batch <= len(images)]
    seconds = interleaved({str(batch): passes(batch) for batch in sizes}, max(2, repeats // 2), 1)
    best = min(sizes, key=lambda batch: summary(seconds[str(batch)])["median_ms"])
    return passes(best), best


def against_network(folder: Path, count: int, shared: bool, repeats: int) -> dict[str, Any]:
    """Time files to rows against the bare network on the first images of the same folder."""
    metrics = create_metrics(["dfb"])
    files = sorted(folder.glob("*.jpg"))[:count]
    sample = torch.stack([read_image(file) for file in files[:64]])
    bare, batch = bare_network(metrics, sample, shared, repeats)
    reference = files[0] if shared else folder
    with tempfile.TemporaryDirectory() as name:

        def end_to_end() -> None:
            done = score(
                folder, metrics, reference=reference, limit=count, sink=Path(name) / "out",
                restart=True,
            )  # fmt: skip
            assert done.failed == 0
            assert done.rows == count

        seconds = interleaved({"bare": bare, "end to end": end_to_end}, repeats, 1)
    each = {
        "bare": [s / len(sample) for s in seconds["bare"]],
        "end to end": [s / count for s in seconds["end to end"]],
    }
    return {
        "references": "one for all" if shared else "one each",
        "images": count,
        "best_batch": batch,
        "images_per_second": {name: 1e3 / summary(s)["median_ms"] for name, s in each.items()},
        "end_to_end_over_bare": ratio(each["bare"], each["end to end"]),
    }


def against_pyiqa(folder: Path, count: int, repeats: int) -> dict[str, Any]:
    """Time both commands on the same images, with a metric that needs no download."""
    command = shutil.which("pyiqa")
    if command is None:
        return {"skipped": "pyiqa is not installed"}
    with tempfile.TemporaryDirectory() as name:
        few = Path(name) / "few"
        few.mkdir()
        for file in sorted(folder.glob("*.jpg"))[:count]:
            shutil.copy(file, few)
        words = {
            "snellen": [
                sys.executable, "-m", "snellen", "score", few, "--reference", few, "-m", "psnr",
                "--output", Path(name) / "out.csv", "--device", "cpu",
            ],
            "pyiqa": [command, "psnr", "-t", few, "-r", few, "--device", "cpu"],
        }  # fmt: skip

        def run(program: str) -> Callable[[], object]:
            arguments = list(map(str, words[program]))
            return lambda: subprocess.run(arguments, check=True, capture_output=True)

        seconds = interleaved({program: run(program) for program in words}, repeats, 1)
    return {
        "images": count,
        "images_per_second": {p: 1e3 * count / summary(s)["median_ms"] for p, s in seconds.items()},
        "snellen_over_pyiqa": ratio(seconds["pyiqa"], seconds["snellen"]),
    }


def peak_memory(folder: Path, counts: list[int], threads: int) -> list[dict[str, Any]]:
    """Measure the peak memory of runs over more and more images."""
    found = []
    for count in counts:
        with tempfile.TemporaryDirectory() as name:
            command = [sys.executable, "-c", MEMORY, str(folder), str(count), f"{name}/out"]
            done = subprocess.run(
                [*command, str(threads)], check=True, capture_output=True, text=True
            )
        found.append(json.loads(done.stdout))
    return found


def line(result: dict[str, Any]) -> str:
    """Say a comparison in one line."""
    if "skipped" in result:
        return f"left out: {result['skipped']}"
    name = next(key for key in result if "_over_" in key)
    r, rates = result[name], result["images_per_second"]
    said = ", ".join(f"{who} {rate:.1f}/s" for who, rate in rates.items())
    return f"{said}; {name} {r['median']:.3f} [{r['q1']:.3f}, {r['q3']:.3f}]"


def size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width), int(height)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, help="JSON file; standard output by default")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--size", type=size, default="512x384")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--memory", type=int, nargs="*", default=[1000, 3000, 10_000])
    parser.add_argument("--memory-size", type=size, default="96x72")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    record: dict[str, Any] = {"schema": 1, "hardware": hardware(), "size": arguments.size}
    with tempfile.TemporaryDirectory() as name:
        folder = make_images(Path(name) / "images", arguments.images, arguments.size)
        record["network"] = []
        for shared in (True, False):
            result = against_network(folder, arguments.images, shared, arguments.repeats)
            record["network"].append(result)
            print(f"{result['references']}: {line(result)}", flush=True)
        record["pyiqa"] = against_pyiqa(folder, arguments.images, max(3, arguments.repeats // 2))
        print(f"commands, PSNR: {line(record['pyiqa'])}", flush=True)
        if arguments.memory:
            small = make_images(Path(name) / "small", max(arguments.memory), arguments.memory_size)
            record["memory"] = peak_memory(small, arguments.memory, arguments.threads)
            for found in record["memory"]:
                print(f"{found['images']} images: peak {found['peak_mib']:.0f} MiB", flush=True)
    write(arguments.output, record)


if __name__ == "__main__":
    main()
