import csv
import io
import json

import pytest
from typer.testing import CliRunner

import snellen
from snellen.cli import app
from snellen.metrics import ROWS

runner = CliRunner()


def test_metrics_are_those_of_the_catalogue():
    result = runner.invoke(app, ["list", "metrics", "--format", "json"])
    rows = json.loads(result.stdout)
    assert [row["metric"] for row in rows] == list(ROWS)
    for row in rows:
        words = {True: "lower", False: "higher", None: ""}
        assert row["better"] == words[ROWS[row["metric"]].lower_better]
        assert row["citation"]


def test_a_pattern_narrows_the_list():
    result = runner.invoke(app, ["list", "metrics", "lpips", "--format", "csv"])
    names = [row["metric"] for row in csv.DictReader(io.StringIO(result.stdout))]
    assert names == ["lpips-alex", "lpips-vgg", "lpips-squeeze"]


def test_backbones_and_layers():
    result = runner.invoke(app, ["list", "backbones", "squeezenet"])
    assert result.stdout.split() == ["squeezenet1_0", "squeezenet1_1"]
    result = runner.invoke(app, ["list", "layers", "squeezenet1_1", "--format", "json"])
    layers = {row["name"]: row for row in json.loads(result.stdout)}
    assert layers["fire9"]["channels"] == 512
    assert layers["fire9"]["stride"] == 16


@pytest.mark.parametrize("what", ["metrics", "layers"])
def test_tables_have_a_line_for_each(what):
    arguments = ["list", what] + (["gabor"] if what == "layers" else [])
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0
    for name in ("dfb", "psnr") if what == "metrics" else ("complex1", "complex4"):
        assert name in result.stdout


def test_an_unknown_backbone_is_wrong_usage():
    result = runner.invoke(app, ["list", "layers", "vgg61"])
    assert result.exit_code == 2
    assert "vgg16" in result.stderr


def test_version():
    result = runner.invoke(app, ["--version"])
    assert result.stdout.strip() == snellen.__version__
