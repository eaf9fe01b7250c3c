"""What every benchmark shares: interleaved timing, and a record of the machine."""

import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch


def interleaved(
    functions: dict[str, Callable[[], object]], repeats: int, warm_up: int = 2
) -> dict[str, list[float]]:
    """Time several functions in turn, so that a busy moment of the machine hits all of them."""
    for _ in range(warm_up):
        for function in functions.values():
            function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def summary(seconds: list[float]) -> dict[str, float]:
    """Median and quartiles, in milliseconds."""
    low, middle, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return {"median_ms": 1e3 * middle, "q1_ms": 1e3 * low, "q3_ms": 1e3 * high}


def ratio(slow: list[float], fast: list[float]) -> dict[str, float]:
    """Throughput ratio: median over rounds of slow / fast, with quartiles."""
    rounds = [a / b for a, b in zip(slow, fast, strict=True)]
    low, middle, high = statistics.quantiles(rounds, n=4, method="inclusive")
    return {"median": middle, "q1": low, "q3": high}


def hardware() -> dict[str, Any]:
    """Describe the machine and the versions that the numbers belong to."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        model = next((x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), "")
        flags = next((x for x in lines if x.startswith("flags")), "")
    else:
        flags = ""
    return {
        "processor": model,
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "amx_bf16": "amx_bf16" in flags,
        "avx512_bf16": "avx512_bf16" in flags,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def write(path: Path | None, record: dict[str, Any]) -> None:
    """Write the record as JSON, to a file or to standard output."""
    text = json.dumps(record, indent=2)
    if path is None:
        print(text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")
