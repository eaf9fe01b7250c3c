"""Python, the local engine and Ray, one image at a time and many, whole and in tiles: one score."""

import pytest
from PIL import Image

from snellen.metrics import MetricSet, create_metric
from snellen.runs import score
from tests.runs.folders import noise
from tests.runs.ray_session import WAYS, needs_ray, result_of, session

METRICS = ("dfb", "psnr", "ssim")
COUNT = 20  # more than a batch, of one size


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """`images` and `references`: smooth, with noise of another strength on each image."""
    root = tmp_path_factory.mktemp("pairs")
    for i in range(COUNT):
        smooth = noise(i, 9, 8).resize((67, 59), Image.Resampling.BICUBIC)
        grain = noise(COUNT + i, 67, 59)
        for name, image in (
            ("references", smooth),
            ("images", Image.blend(smooth, grain, (i + 1) / 40)),
        ):
            (root / name).mkdir(exist_ok=True)
            image.save(root / name / f"{i:02d}.png", compress_level=1)
    return root / "images", root / "references"


@pytest.fixture(scope="module")
def expected(folders):
    """What the metrics say of each pair."""
    images, references = folders
    pairs = [(image, references / image.name) for image in sorted(images.iterdir())]
    return {name: [float(create_metric(name)(*pair)) for pair in pairs] for name in METRICS}


@pytest.fixture(scope="module")
def on_ray(folders):
    """Rows of every way on Ray, made in one session."""
    return result_of(session("ways", *folders))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("engine", ["local", pytest.param("ray", marks=needs_ray)])
def test_every_way_gives_the_number_of_the_metric(folders, expected, engine, way, request):
    if engine == "ray":
        rows = request.getfixturevalue("on_ray")[way]
    else:
        rows = list(score(folders[0], METRICS, reference=folders[1], **WAYS[way]))
    assert [row["error"] for row in rows] == [None] * COUNT
    for name in METRICS:
        found = [row[name] for row in rows]
        # dfb is one minus similarities: of its smallest distances, 1e-5, float32 leaves few digits.
        assert found == pytest.approx(expected[name], rel=1e-5, abs=2e-9), name


@pytest.mark.parametrize("way", WAYS)
def test_each_way_is_what_it_is_called(folders, monkeypatch, way):
    batches, tiles = [], []
    forward, tiled = MetricSet.forward, MetricSet.tiled

    def watch(self, x, y):
        batches.append(len(x))
        return forward(self, x, y)

    def watch_tiles(self, *pair, **options):
        tiles.append(options)
        return tiled(self, *pair, **options)

    monkeypatch.setattr(MetricSet, "forward", watch)
    monkeypatch.setattr(MetricSet, "tiled", watch_tiles)
    rows = list(score(folders[0], "psnr", reference=folders[1], **WAYS[way]))
    assert len(rows) == COUNT
    if way == "tiled":
        assert (batches, tiles) == ([], [{"side": 32}] * COUNT)
    else:
        assert tiles == []
        assert sum(batches) == COUNT
        assert max(batches) <= WAYS[way]["batch_size"]
