"""``snellen exam stimuli``: the gratings of the exam, to be looked at."""

from typing import Annotated

import typer

from snellen.cli._errors import usage_errors
from snellen.cli._exam_options import (
    EncodingChoice,
    EncodingOption,
    FolderOption,
    MeanOption,
    SideOption,
)
from snellen.cli._options import PixelsPerDegreeOption


def stimuli(
    output: FolderOption,
    frequency: Annotated[
        list[float] | None, typer.Option(help="Cycles per degree; may be repeated.")
    ] = None,
    orientation: Annotated[
        list[float] | None, typer.Option(help="Degrees; may be repeated.")
    ] = None,
    contrast: Annotated[float, typer.Option(help="Michelson contrast, 0 to 1.")] = 0.5,
    mean: MeanOption = 0.5,
    encoding: EncodingOption = EncodingChoice.CODE,
    pixels_per_degree: PixelsPerDegreeOption = 60.0,
    size: SideOption = 256,
    bits: Annotated[int, typer.Option(help="8 or 16 a channel.")] = 16,
) -> None:
    """Write the gratings of the exam as PNG files: rings, gratings, Gabors, opponent colours.

    Beside them manifest.json, with the contrast of each in code values, luminance and cones, and
    a contact sheet.
    """
    with usage_errors():
        from snellen.plots import plot_stimuli, save_figure
        from snellen.vision import Grating, Viewing, stimulus_set, write_stimuli

        template = Grating(
            4.0,
            contrast=contrast,
            mean=mean,
            encoding=encoding.value,
            size=size,
            viewing=Viewing(pixels_per_degree),
        )
        changes = {"frequencies": frequency, "orientations": orientation}
        chosen = stimulus_set(template, **{k: v for k, v in changes.items() if v})
        written = write_stimuli(chosen, output, bits=bits)
        geometry = f"{size} pixels, {pixels_per_degree:g} pixels per degree, {encoding} contrast"
        save_figure(plot_stimuli(list(chosen.values()), title=geometry), output / "sheet.png")
    typer.echo(f"{len(written)} stimuli in {output}")
