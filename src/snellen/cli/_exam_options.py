"""Options that the exam commands share; those of all commands are in ``_options``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

BackbonesArgument = Annotated[
    list[str], typer.Argument(help="Backbones; see snellen list backbones.")
]
BackboneArgument = Annotated[str, typer.Argument(help="A backbone; see snellen list backbones.")]
DatasetOption = Annotated[
    str, typer.Option(help="NAME=FOLDER of a release, or NAME=FILE.csv of your own.")
]
DirectionOption = Annotated[
    bool | None,
    typer.Option(
        "--higher-better/--lower-better",
        help="Direction of the scores of a CSV file that does not say.",
    ),
]
# Other commands write a file.
FolderOption = Annotated[Path, typer.Option("-o", "--output", help="Folder of results.")]
RandomControlOption = Annotated[
    bool, typer.Option(help="Also examine the same architecture with random weights.")
]
ResamplesOption = Annotated[int, typer.Option(help="Bootstrap resamples of the intervals.")]
CropOption = Annotated[
    int, typer.Option(help="Side of the square taken from the middle of --images; 0: all.")
]
CsfOption = Annotated[
    str, typer.Option(help="Human curve: tariq, mannos-sakrison, barten or measured.")
]
CenterOption = Annotated[
    float, typer.Option(help="Share of the height and width of every map that is read.")
]
ContrastOption = Annotated[float, typer.Option(help="Of the gratings, 0 to 1.")]
SideOption = Annotated[int, typer.Option(help="Side of the gratings in pixels.")]
# Where a network looks, its own size is the default.
NetworkSideOption = Annotated[
    int | None, typer.Option(help="Side of the gratings in pixels. Default: the network's, or 224.")
]
MeanOption = Annotated[float, typer.Option(help="Code value of the grey, between 0 and 1.")]


class EncodingChoice(StrEnum):
    """What swings sinusoidally."""

    CODE = "code"
    LINEAR = "linear"


EncodingOption = Annotated[
    EncodingChoice, typer.Option(help="What swings: sRGB code values, or linear light.")
]
