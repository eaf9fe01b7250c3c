"""Images per second from files to rows, against the bare network, and against pyiqa's command.

    python benchmarks/throughput.py [--output FILE] [--only rates threads peer memory] [--threads N]

Photograph-like JPEGs are made by the script. Four parts, all of them by default:

- `rates`: in one process, in turn, every round times the bare network (the metric on images that
  are decoded already, at the batch size that was best on this machine; all of 1 to 64 are tried
  first), and end to end `snellen.runs.score` from the folder into Parquet parts, decoding,
  hashing, and writing included. Reported is the ratio by round, median and quartiles, for one
  reference for all, and for pairs.
- `threads`: end to end again, batches side by side, a thread for each, over one after the other
  with all threads.
- `peer`: each as a command of its own, in turn, `snellen score` and `pyiqa`, both PSNR of the same
  pairs of files, and both of a single pair, which is what starting costs; reported is the ratio
  of the whole commands, and that of the rates without the start. The commands print or write the
  mean score, which stands in the record: it is the same work. `--peer` names the command where it
  is not on the path, so that pyiqa may have an environment of its own; where there is none the
  part is left out, and says so.
- `memory`: the peak of runs over more and more images, each in a process of its own.

Two to three minutes a part on two free cores, memory the longest. `--threads` goes to the
network here and, as OMP_NUM_THREADS, to both commands.
"""

import argparse
import csv
import json
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _measure import hardware, interleaved, ratio, summary, write
from inside import threads_module
from PIL import Image

from snellen.images import read_image
from snellen.metrics import MetricSet, create_metrics
from snellen.runs import keep_freed_memory, score

BATCHES = (1, 2, 4, 8, 16, 32, 64)

SAMPLE = 48  # decoded images of the bare network
PARTS = ("rates", "threads", "peer", "memory")
DISTINCT = 250  # images that differ; the others are copies, which costs a run the same

MEMORY = """
import json, re, sys, torch
from pathlib import Path
from snellen.runs import keep_freed_memory, score
torch.set_num_threads(int(sys.argv[4]))
keep_freed_memory()
folder, limit, sink = sys.argv[1], int(sys.argv[2]), sys.argv[3]
done = score(folder, "dfb", reference=f"{folder}/00000.jpg", limit=limit).into(sink)
assert done.failed == 0
# Not getrusage: a new process inherits the peak of the one that started it.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
print(json.dumps({"images": done.rows, "peak_mib": peak / 1024, "seconds": done.seconds}))
"""


def make_images(folder: Path, count: int, size: tuple[int, int], quality: int = 90) -> Path:
    """Write JPEGs of smooth random textures with fine noise, about as large as photographs."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    width, height = size
    for i in range(count):
        if i >= DISTINCT:
            shutil.copy(folder / f"{i % DISTINCT:05d}.jpg", folder / f"{i:05d}.jpg")
            continue
        coarse = generator.integers(0, 256, (height // 16 + 1, width // 16 + 1, 3), dtype=np.uint8)
        smooth = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))
        noisy = smooth + generator.normal(0, 6, smooth.shape)
        image = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
        image.save(folder / f"{i:05d}.jpg", quality=quality)
    return folder


def bare_network(
    metrics: MetricSet, images: torch.Tensor, shared: bool, repeats: int
) -> tuple[Callable[[], object], int]:
    """Return a pass over decoded images at the best batch size, and that size."""
    prepared, others = metrics.prepare(images[:1]), images.flip(0)

    def passes(batch: int, count: int) -> Callable[[], object]:
        def run() -> None:
            for i in range(0, count, batch):
                other = prepared if shared else others[i : i + batch]
                metrics(images[i : i + batch], other)

        return run

    # Few images tell the best size: no batch is begun that is not full.
    counts = {b: b * max(1, 16 // b) for b in BATCHES if b <= len(images)}
    tried = {str(batch): passes(batch, count) for batch, count in counts.items()}
    seconds = interleaved(tried, max(2, repeats // 2), 1)
    best = min(counts, key=lambda b: summary(seconds[str(b)])["median_ms"] / counts[b])
    return passes(best, len(images)), best


def files_to_rows(folder: Path, metrics: MetricSet, count: int, shared: bool, sink: Path) -> None:
    """Score the first images of a folder, each by itself or all by the first."""
    reference = min(folder.glob("*.jpg")) if shared else folder
    done = score(folder, metrics, reference=reference, limit=count).into(sink, restart=True)
    assert done.failed == 0
    assert done.rows == count


def side_by_side_over_turn(
    folder: Path, name: str, count: int, shared: bool, repeats: int
) -> dict[str, float]:
    """Time files to rows, batches side by side over one after the other with all threads."""
    metrics, common = create_metrics([name]), threads_module._COMMON

    def run(sink: Path, largest: int) -> None:
        threads_module._COMMON = largest
        files_to_rows(folder, metrics, count, shared, sink)

    with tempfile.TemporaryDirectory() as temporary:
        ways = {"turn": 0, "side by side": common}
        runs: dict[str, Callable[[], object]] = {
            way: partial(run, Path(temporary) / "out", size) for way, size in ways.items()
        }
        try:
            seconds = interleaved(runs, repeats, 1)
        finally:
            threads_module._COMMON = common
    return ratio(seconds["turn"], seconds["side by side"])


def against_network(folder: Path, count: int, shared: bool, repeats: int) -> dict[str, Any]:
    """Time files to rows against the bare network on the first images of the same folder."""
    metrics = create_metrics(["dfb"])
    files = sorted(folder.glob("*.jpg"))[:count]
    sample = torch.stack([read_image(file) for file in files[:SAMPLE]])
    bare, batch = bare_network(metrics, sample, shared, repeats)
    with tempfile.TemporaryDirectory() as name:
        end_to_end = partial(files_to_rows, folder, metrics, count, shared, Path(name) / "out")
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


def commands(peer: str, folder: Path, references: Path, out: Path) -> dict[str, list[str]]:
    """Return what scores a folder by PSNR, by program."""
    own = [sys.executable, "-m", "snellen", "score", folder, "--reference", references]
    own += ["-m", "psnr", "--output", out, "--device", "cpu", "--restart"]
    other = [*shlex.split(peer), "psnr", "-t", folder, "-r", references, "--device", "cpu"]
    return {"snellen": list(map(str, own)), "pyiqa": list(map(str, other))}


def single(folder: Path) -> Path:
    """Make a folder beside another, of its first image alone."""
    alone = folder.with_name(f"{folder.name}-one")
    alone.mkdir()
    shutil.copy(sorted(folder.glob("*.jpg"))[0], alone)
    return alone


def against_pyiqa(
    peer: str | None, folder: Path, references: Path, threads: int, repeats: int
) -> dict[str, Any]:
    """Time both commands on the same pairs, with a metric that needs no download."""
    if peer is None:
        return {"skipped": "pyiqa is not installed; name its command with --peer"}
    count, out = len(list(folder.glob("*.jpg"))), folder.with_name("out.csv")
    words = commands(peer, folder, references, out)
    start = commands(peer, single(folder), single(references), folder.with_name("one.csv"))
    words |= {f"{program}, one pair": start[program] for program in start}
    said: dict[str, str] = {}

    def run(program: str) -> Callable[[], object]:
        def call() -> None:
            done = subprocess.run(
                words[program], check=True, capture_output=True, text=True,
                env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            )  # fmt: skip
            said[program] = done.stdout

        return call

    seconds = interleaved({program: run(program) for program in words}, repeats, 1)
    with out.open() as file:
        ours = statistics.mean(float(row["psnr"]) for row in csv.DictReader(file))
    theirs = re.search(r"'mean': (?:np\.float64\()?([\d.]+)", said["pyiqa"])
    found = {
        "images": count,
        "mean_psnr": {"snellen": ours, "pyiqa": float(theirs[1]) if theirs else None},
        "images_per_second": {p: 1e3 * count / summary(seconds[p])["median_ms"] for p in start},
        "start_seconds": {p: statistics.median(seconds[f"{p}, one pair"]) for p in start},
        "snellen_over_pyiqa": ratio(seconds["pyiqa"], seconds["snellen"]),
    }
    work = {p: differences(seconds[p], seconds[f"{p}, one pair"]) for p in start}
    if min(map(min, work.values())) <= 0:
        return found | {"without_start": "lost in the noise of starting: take more --peer-images"}
    rates = {p: 1e3 * (count - 1) / summary(s)["median_ms"] for p, s in work.items()}
    return found | {
        "images_per_second_without_start": rates,
        "snellen_over_pyiqa_without_start": ratio(work["pyiqa"], work["snellen"]),
    }


def differences(first: list[float], second: list[float]) -> list[float]:
    return [a - b for a, b in zip(first, second, strict=True)]


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
    rates = ", ".join(f"{who} {rate:.1f}/s" for who, rate in result["images_per_second"].items())
    ratios = [
        f"{name} {r['median']:.3f} [{r['q1']:.3f}, {r['q3']:.3f}]"
        for name, r in result.items()
        if "_over_" in name
    ]
    return "; ".join([rates, *ratios])


def size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width), int(height)


def measure_rates(folder: Path, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure the local engine against the bare network, with one reference and with pairs."""
    images = make_images(folder / "images", arguments.images, arguments.size)
    found = []
    for shared in (True, False):
        found.append(against_network(images, arguments.images, shared, arguments.repeats))
        print(f"{found[-1]['references']}: {line(found[-1])}", flush=True)
    return found


def measure_threads(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure what is gained by scoring side by side, with one reference and with pairs."""
    images = make_images(folder / "images", arguments.images, arguments.size)
    found: dict[str, Any] = {}
    for name in ("dfb", "fsim", "psnr"):
        for shared, references in ((True, "one for all"), (False, "one each")):
            gain = side_by_side_over_turn(
                images, name, arguments.images // 2, shared, arguments.repeats
            )
            found[f"{name}, {references}"] = gain
            print(f"side by side over turn, {name}, {references}: {gain['median']:.2f}", flush=True)
    return found


def measure_peer(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure both commands."""
    images = make_images(folder / "images", arguments.peer_images, arguments.size, quality=40)
    references = make_images(folder / "references", arguments.peer_images, arguments.size)
    found = against_pyiqa(
        arguments.peer, images, references, arguments.threads, arguments.peer_repeats
    )
    print(f"commands, PSNR: {line(found)}", flush=True)
    return found


def measure_memory(folder: Path, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure peaks of memory."""
    images = make_images(folder / "images", max(arguments.memory), arguments.memory_size)
    found = peak_memory(images, arguments.memory, arguments.threads)
    for one in found:
        print(f"{one['images']} images: peak {one['peak_mib']:.0f} MiB", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, help="JSON file; standard output by default")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts")
    parser.add_argument("--images", type=int, default=240, help="of the rates")
    parser.add_argument("--size", type=size, default="512x384", help="of the rates and commands")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--peer", default=shutil.which("pyiqa"), help="command of pyiqa")
    parser.add_argument("--peer-images", type=int, default=500, help="pairs of the commands")
    parser.add_argument("--peer-repeats", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--memory-size", type=size, default="256x192")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    parts = {
        "rates": measure_rates, "threads": measure_threads, "peer": measure_peer,
        "memory": measure_memory,
    }  # fmt: skip
    record: dict[str, Any] = {
        "schema": 3, "hardware": hardware(), "load_before": os.getloadavg()[0],
        "size": arguments.size, "memory_size": arguments.memory_size, "seconds": {},
    }  # fmt: skip
    for part in arguments.only:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as name:
            record[part] = parts[part](Path(name), arguments)
        record["seconds"][part] = round(time.perf_counter() - start, 1)
    write(arguments.output, record)


if __name__ == "__main__":
    main()
