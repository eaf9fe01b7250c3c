import csv
import io
import json

from typer.testing import CliRunner

from snellen.cli import app
from snellen.distortions import list_distortions

runner = CliRunner()


def test_distortions_are_those_of_the_catalogue():
    result = runner.invoke(app, ["list", "distortions", "--format", "json"])
    rows = json.loads(result.stdout)
    assert [row["distortion"] for row in rows] == [one.name for one in list_distortions()]
    for row, one in zip(rows, list_distortions(), strict=True):
        assert [float(text) for text in row["levels"].split()] == list(one.levels)
        assert (row["random"], row["signed"]) == (one.random, one.signed)


def test_the_list_is_narrowed():
    command = ["list", "distortions", "jpeg", "--group", "compression", "--source", "kadid"]
    result = runner.invoke(app, [*command, "--format", "csv"])
    names = [row["distortion"] for row in csv.DictReader(io.StringIO(result.stdout))]
    assert names == ["jpeg", "jpeg2000"]


def test_the_table_shows_strengths():
    result = runner.invoke(app, ["list", "distortions", "white-noise"])
    assert "0.001 0.002 0.003 0.005 0.01" in result.stdout


def test_an_unknown_group_is_wrong_usage():
    result = runner.invoke(app, ["list", "distortions", "--group", "colour"])
    assert result.exit_code == 2
    assert "sharpness-contrast" in result.stderr
