"""``snellen exam tuning``: what the channels of a network are tuned to."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from snellen.cli._console import counting
from snellen.cli._errors import usage_errors
from snellen.cli._exam_files import write_json, write_tables
from snellen.cli._exam_options import (
    BackboneArgument,
    CenterOption,
    ContrastOption,
    CsfOption,
    FolderOption,
    NetworkSideOption,
)
from snellen.cli._options import DeviceOption, LayerOption, PixelsPerDegreeOption, WeightsOption
from snellen.records import write_arrow

if TYPE_CHECKING:
    from snellen.exam import TuningExam


def tuning(
    backbone: BackboneArgument,
    output: FolderOption,
    weights: WeightsOption = None,
    layer: LayerOption = None,
    pixels_per_degree: PixelsPerDegreeOption = 60.0,
    size: NetworkSideOption = None,
    contrast: ContrastOption = 0.5,
    center: CenterOption = 1.0,
    csf: CsfOption = "tariq",
    device: DeviceOption = "cpu",
) -> None:
    """Measure the tuning of every channel: frequency, orientation, phase, contrast, colour.

    Writes tuning.parquet and tuning.csv (a row per channel), curves.parquet, manifest.json and
    figures. A run that is cut off goes on where it was when it is started again.
    """
    with usage_errors():
        from snellen import create_backbone, exam
        from snellen.vision import Viewing

        viewing = Viewing(pixels_per_degree)
        stimuli = exam.TuningStimuli(viewing=viewing, size=size, contrast=contrast)
        network = create_backbone(backbone, weights)
        with counting("looking at gratings", stimuli.images) as advance:
            found = exam.tuning(
                network,
                layer,
                stimuli=stimuli,
                center=center,
                csf=csf,
                checkpoint=output / ".checkpoint",
                device=device,
                progress=advance,
            )
        _write(found, output)
        _draw(found, output, csf)
    for name in found.layers:
        typer.echo(_line(found, name))


def _line(found: "TuningExam", layer: str) -> str:
    import numpy as np

    rows = found.of_layer(layer)
    tuned = [row["preferred_frequency"] for row in rows]
    tuned = [value for value in tuned if np.isfinite(value)]
    dead = sum(row["dead"] for row in rows)
    middle = f"median {np.median(tuned):.3g} cycles per degree" if tuned else "none tuned"
    return f"{layer}: {len(rows)} channels, {dead} dead, preferred frequency {middle}"


def _write(found: "TuningExam", folder: Path) -> None:
    write_tables(folder, {"tuning": found.to_table()})
    write_arrow(folder / "curves.parquet", found.curve_table())
    write_json(folder / "manifest.json", found.manifest())


def _draw(found: "TuningExam", folder: Path, csf: str) -> None:
    import numpy as np

    from snellen.plots import (
        plot_preferred_frequencies,
        plot_preferred_orientations,
        plot_tuning_curves,
        save_figure,
    )
    from snellen.vision import find_csf

    shown = found.stimuli.frequencies or ()
    frequencies = np.geomspace(min(shown), max(shown), 100)
    human = dict(zip(frequencies.tolist(), find_csf(csf)(frequencies).tolist(), strict=True))
    figure = plot_preferred_frequencies(found.rows, human, csf_label=f"human CSF ({csf})")
    save_figure(figure, folder / "preferred-frequencies.png")
    save_figure(plot_preferred_orientations(found.rows), folder / "preferred-orientations.png")
    for name in found.layers:
        save_figure(plot_tuning_curves(found, name), folder / "curves" / f"{name}.png")
