"""Options that several commands share: one name, one help text, one meaning."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from snellen.errors import SnellenError


class Precision(StrEnum):
    """The type in which the network computes."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class AnyPrecision(StrEnum):
    """The type in which the network computes, or the choice of it."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class Align(StrEnum):
    """What happens to images of different sizes."""

    ERROR = "error"
    CROP = "crop"
    RESIZE = "resize"


MetricOption = Annotated[
    list[str] | None,
    typer.Option("-m", "--metric", help="Metric; several may follow. Default: dfb."),
]
WeightsOption = Annotated[
    str | None, typer.Option(help="Weights of the backbone: imagenet, random, or a file.")
]
ProjectionOption = Annotated[
    Path | None, typer.Option(help="File of a fitted projection of a reduced-reference metric.")
]
HeadWeightsOption = Annotated[
    Path | None, typer.Option(help="File of the learned weights of LPIPS or DISTS.")
]
LayerOption = Annotated[
    list[str] | None, typer.Option(help="Layer of the backbone; may be repeated.")
]
ResizeOption = Annotated[
    str | None, typer.Option(help="Rule: native, half, short-256, box-256, or 224x224.")
]
PixelsPerDegreeOption = Annotated[
    float, typer.Option(help="Viewing geometry: pixels in one degree of visual angle.")
]
PrecisionOption = Annotated[Precision, typer.Option(help="Of the network.")]
DeviceOption = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps.")]
AutoDeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out options that were not given, or are as they are by default."""
    default = {"align": "error", "precision": "float32"}
    return {k: v for k, v in options.items() if v not in (None, []) and default.get(k) != v}


@contextmanager
def device_errors(device: str) -> Iterator[None]:
    """Turn torch's complaint about a device into an error that names the option."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, SnellenError):
            raise
        raise SnellenError(f"--device {device}: {error}") from error
