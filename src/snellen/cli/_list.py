"""``snellen list``: what there is."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

list_app = typer.Typer(
    help="List metrics, backbones, a backbone's layers, or distortions.", no_args_is_help=True
)


class Form(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


FormOption = Annotated[Form, typer.Option("--format", help="Form of the rows.")]


@list_app.command()
def metrics(
    pattern: Annotated[str, typer.Argument(help="Only names that contain this.")] = "",
    form: FormOption = Form.TABLE,
) -> None:
    """List the metrics: direction, range, protocol, source. NAME-* takes any backbone's name."""
    from snellen.metrics import ROWS, list_metrics

    rows = [ROWS[name] for name in list_metrics(pattern=pattern)]
    show(
        [
            {
                "metric": row.name,
                "better": {True: "lower", False: "higher", None: ""}[row.lower_better],
                "range": _range(row.range),
                "resize": row.resize,
                "backbone": row.backbone or "",
                "what": row.title,
                "note": row.note,
                "citation": row.citation,
            }
            for row in rows
        ],
        form,
        narrow=("metric", "better", "range", "resize", "what"),
    )


@list_app.command()
def backbones(
    pattern: Annotated[str, typer.Argument(help="Only names that contain this.")] = "",
    form: FormOption = Form.TABLE,
) -> None:
    """List the backbones: the embedded ones, torchvision's and timm's."""
    from snellen.backbones import list_backbones

    names = list_backbones(pattern)
    if form is Form.TABLE:
        typer.echo("\n".join(names))
    else:
        show([{"backbone": name} for name in names], form)


@list_app.command()
def layers(
    name: Annotated[str, typer.Argument(help="Name of a backbone.")],
    form: FormOption = Form.TABLE,
) -> None:
    """List a backbone's layers: channels, stride, receptive field (in pixels)."""
    from dataclasses import asdict

    from snellen.backbones import EMBEDDED, create_backbone
    from snellen.cli._errors import usage_errors

    with usage_errors():
        backbone = create_backbone(name, None if name in EMBEDDED else "random")
    show([asdict(info) for info in backbone.layers], form)


@list_app.command()
def distortions(
    pattern: Annotated[str, typer.Argument(help="Only names that contain this.")] = "",
    group: Annotated[
        str | None, typer.Option(help="Only one group: blur, noise, compression, color, ...")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Only from this source: kadid, tid2013, ours.")
    ] = None,
    form: FormOption = Form.TABLE,
) -> None:
    """List the types of distortion: the strengths of levels 1 to 5, what they are, their source."""
    from snellen.cli._errors import usage_errors
    from snellen.distortions import list_distortions

    with usage_errors():
        found = [one for one in list_distortions(group, source) if pattern in one.name]
    rows = [
        {
            "distortion": one.name,
            "group": one.group,
            "levels": " ".join(f"{strength:g}" for strength in one.levels),
            "parameter": one.parameter,
            "random": one.random,
            "signed": one.signed,
            "source": one.source,
        }
        for one in found
    ]
    show(rows, form, narrow=("distortion", "group", "levels", "parameter", "source"))


def show(rows: Sequence[dict[str, Any]], form: Form, narrow: Sequence[str] | None = None) -> None:
    """Write rows to standard output; a table shows only the columns in `narrow`."""
    from snellen.records import table_bytes

    if form is not Form.TABLE:
        as_json = form is Form.JSON
        data = json.dumps(rows, indent=2) if as_json else table_bytes(rows, "csv").decode()
        typer.echo(data.rstrip("\n"))
        return
    from snellen.cli._console import print_table

    columns = narrow or list(rows[0]) if rows else []
    print_table([{name: row[name] for name in columns} for row in rows])


def _range(bounds: tuple[float | None, float | None]) -> str:
    low, high = ("" if bound is None else f"{bound:g}" for bound in bounds)
    return f"{low or '-inf'} ... {high or 'inf'}"
