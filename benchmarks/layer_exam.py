"""Cost of all layers x all readouts of the exam over bare forward passes of the network.

    python benchmarks/layer_exam.py [--output FILE] [--nets squeezenet1_1 ...] [--repeats 9]

Every round times, in turn: the network alone on both images of a pair; plain and cosine readouts
of all listed layers; all default readouts. "Pair" takes both images through the network in step,
layer by layer; "versions" takes eight versions of one image side by side, with the reference's
features at hand, as the exam does, against the network alone on the eight, side by side likewise;
"turn" takes them one after the other, with all threads, and what is gained by not doing so is the
last ratio. Ratios of the processor's time stand beside those of the clock: other work on the
machine stretches them less. Weights are random: they change scores, not times. Freed memory stays
with the process, as in the commands that score images (`keep_freed_memory`).
"""

import argparse
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from _measure import hardware, interleaved, ratio, summary, write
from inside import at_once, side_by_side

import snellen
from snellen.exam import DEFAULT_READOUTS, EXAM_READOUTS
from snellen.readouts import Moments, ReferenceMoments
from snellen.runs import keep_freed_memory

PLAIN_AND_COSINE = [n for n in EXAM_READOUTS if n.startswith(("euclidean", "cosine"))]
ALL = [n for n in DEFAULT_READOUTS if n in EXAM_READOUTS]
VERSIONS = 8


def cost(net: str, size: tuple[int, int], repeats: int) -> dict[str, Any]:
    """Time one network on images of one size (height, width)."""
    backbone = snellen.create_backbone(net, None if net == "gabor" else "random")
    names = [info.name for info in backbone.layers]
    generator = torch.Generator().manual_seed(0)
    y = torch.rand(1, 3, *size, generator=generator)
    xs = [
        (y + 0.05 * torch.randn(y.shape, generator=generator)).clamp(0, 1) for _ in range(VERSIONS)
    ]
    most = at_once(size[0] * size[1], y.device, backbone.thread_safe)

    def bare(*images: torch.Tensor) -> None:
        for image in images:
            for _ in backbone.stream(image, names[-1:]):
                pass

    def measure(
        pairs: Iterable[tuple[torch.Tensor, ReferenceMoments]], readouts: list[str]
    ) -> None:
        means = not set(readouts) <= set(PLAIN_AND_COSINE)
        for f, reference in pairs:
            moments = Moments(f, reference, means=means)
            for readout in readouts:
                EXAM_READOUTS[readout].from_moments(moments)

    def pair(readouts: list[str]) -> None:
        streams = zip(*(backbone.stream(t, names, lend=True) for t in (xs[0], y)), strict=True)
        measure(((f, ReferenceMoments(g)) for (_, f), (_, g) in streams), readouts)

    def version(readouts: list[str], x: torch.Tensor) -> None:
        measure(((f, kept[name]) for name, f in backbone.stream(x, names, lend=True)), readouts)

    def versions(work: Callable[[torch.Tensor], None]) -> Callable[[], object]:
        return lambda: list(side_by_side(work, xs, most))

    with torch.inference_mode():
        kept = {name: ReferenceMoments(g) for name, g in backbone.stream(y, names)}
        functions: dict[str, Callable[[], object]] = {
            "bare_pair": lambda: bare(xs[0], y),
            "bare_turn": lambda: bare(*xs),
            "bare_versions": versions(bare),
            "pair_plain_cosine": lambda: pair(PLAIN_AND_COSINE),
            "pair_all": lambda: pair(ALL),
            "versions_plain_cosine": versions(partial(version, PLAIN_AND_COSINE)),
            "versions_all": versions(partial(version, ALL)),
            "turn_plain_cosine": lambda: list(map(partial(version, PLAIN_AND_COSINE), xs)),
        }
        spent: dict[str, list[float]] = {name: [] for name in functions}
        timed: dict[str, Callable[[], object]] = {
            name: on_processor(function, spent[name]) for name, function in functions.items()
        }
        seconds = interleaved(timed, repeats)
    return {
        "net": net,
        "size": list(size),
        "layers": len(names),
        "versions": VERSIONS,
        "at_once": most,
        "times": {name: summary(values) for name, values in seconds.items()},
        "over_bare": over_bare(seconds),
        "side_by_side_over_turn": ratio(
            seconds["turn_plain_cosine"], seconds["versions_plain_cosine"]
        ),
        "over_bare_on_processor": over_bare({n: one[-repeats:] for n, one in spent.items()}),
    }


def on_processor(function: Callable[[], object], spent: list[float]) -> Callable[[], None]:
    """Make a function that notes the processor's time of each call, all threads together."""

    def run() -> None:
        start = time.process_time()
        function()
        spent.append(time.process_time() - start)

    return run


def over_bare(seconds: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Compare with the network alone on as many images."""
    return {
        name: ratio(values, seconds[f"bare_{name.split('_')[0]}"])
        for name, values in seconds.items()
        if not name.startswith("bare")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, help="JSON file; standard output by default")
    parser.add_argument("--nets", nargs="+", default=["squeezenet1_1", "squeezenet1_0", "resnet18"])
    parser.add_argument("--size", nargs=2, type=int, default=[384, 512], metavar=("H", "W"))
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--return-freed-memory", action="store_true", help="to the system")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    kept = not arguments.return_freed_memory and keep_freed_memory()
    results = []
    for net in arguments.nets:
        results.append(cost(net, tuple(arguments.size), arguments.repeats))
        on_processor_too = results[-1]["over_bare_on_processor"]
        parts = (
            f"{name} {r['median']:.2f}x [{r['q1']:.2f}, {r['q3']:.2f}]"
            f" (processor {on_processor_too[name]['median']:.2f}x)"
            for name, r in results[-1]["over_bare"].items()
        )
        gain = results[-1]["side_by_side_over_turn"]["median"]
        print(
            f"{net}, {results[-1]['layers']} layers: {', '.join(parts)}; gain {gain:.2f}x",
            flush=True,
        )
    record = {"schema": 5, "hardware": hardware(), "freed_memory_kept": kept, "results": results}
    write(arguments.output, record)


if __name__ == "__main__":
    main()
