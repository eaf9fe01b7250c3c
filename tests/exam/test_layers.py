import math
import threading

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from snellen import exam
from snellen.agreement import Resampling
from snellen.backbones import create_backbone
from snellen.errors import BackboneError, DatasetError, ImageError, MetricError
from snellen.images import read_image
from tests.exam.inside import CHANNEL_NORMALIZED, _Measure, find_readouts

from .conftest import save, tiny

FEW = Resampling(resamples=50)


def features(backbone, path):
    with torch.no_grad():
        batch = read_image(path)[None]
        return {"input": batch, **backbone(batch)}


def series(found, readout, combination="layer"):
    return next(
        one.distances
        for one in found.series
        if (one.readout, one.combination) == (readout, combination)
    )


def test_every_layer_and_readout_equals_a_naive_loop(backbone, dataset):
    found = exam.layers(backbone, dataset, resampling=FEW)
    readouts = find_readouts(exam.DEFAULT_READOUTS)
    for i in range(0, len(dataset), 3):
        f, g = (features(backbone, path[i]) for path in (dataset.image, dataset.reference))
        for name, readout in readouts.items():
            expected = [readout(f[layer], g[layer]).item() for layer in f]
            # Readouts round means to float32, the exam does not.
            np.testing.assert_allclose(series(found, name)[i], expected, rtol=1e-5, atol=1e-7)


def test_versions_side_by_side_are_measured_as_one_after_the_other(
    backbone, dataset, four_threads, monkeypatch
):
    threads, told = set(), []
    compare = _Measure._compare

    def watch(self, *arguments):
        threads.add(threading.get_ident())
        return compare(self, *arguments)

    monkeypatch.setattr(_Measure, "_compare", watch)
    together = exam.layers(backbone, dataset, resampling=FEW, progress=told.append)
    assert len(threads) > 1
    assert threading.get_ident() not in threads
    assert sum(told) >= len(dataset)
    torch.set_num_threads(1)
    alone = exam.layers(backbone, dataset, resampling=FEW)
    for one, other in zip(together.series, alone.series, strict=True):
        np.testing.assert_allclose(one.distances, other.distances, rtol=1e-6, atol=1e-9)


def test_an_image_that_fails_beside_others_is_named(backbone, dataset, four_threads):
    dataset.image[2].write_bytes(b"nothing")
    with pytest.raises(ImageError, match=dataset.image[2].name):
        exam.layers(backbone, dataset, resampling=FEW)


def test_joined_layers_are_the_concatenated_features(backbone, dataset):
    found = exam.layers(backbone, dataset, readouts=["euclidean", "cosine-flattened"])
    for i in range(3):
        f, g = (features(backbone, path[i]) for path in (dataset.image, dataset.reference))
        f, g = (torch.cat([x.flatten().double() for x in one.values()]) for one in (f, g))
        euclidean = series(found, "euclidean", "cumulative")[i, -1]
        assert euclidean == pytest.approx((f - g).norm().item(), rel=1e-5)
        cosine = 1 - (f @ g / (f.norm() * g.norm())).item()
        flattened = series(found, "cosine-flattened", "cumulative")[i, -1]
        assert flattened == pytest.approx(cosine, rel=1e-5)


def test_channel_normalized_is_its_definition(backbone, dataset):
    found = exam.layers(backbone, dataset, readouts=[CHANNEL_NORMALIZED])
    pairs = [
        [features(backbone, path[i]) for path in (dataset.image, dataset.reference)]
        for i in range(len(dataset))
    ]
    columns = []
    for layer in ("input", "conv1", "act1", "conv2"):
        d = np.array([((f[layer] - g[layer]) ** 2).mean((0, 2, 3)).numpy() for f, g in pairs])
        columns.append(d / d.mean(0))
    single = np.stack([np.sqrt(column.mean(1)) for column in columns], 1)
    np.testing.assert_allclose(series(found, CHANNEL_NORMALIZED), single, rtol=1e-5)
    joined = np.sqrt(np.concatenate(columns, 1).mean(1))
    cumulative = series(found, CHANNEL_NORMALIZED, "cumulative")
    np.testing.assert_allclose(cumulative[:, -1], joined, rtol=1e-5)


def test_rows_say_how_far_people_agree_and_where_the_layer_is(backbone, dataset):
    found = exam.layers(backbone, dataset, readouts=["euclidean"], resampling=FEW)
    row = next(r for r in found.rows if r["layer"] == "act1" and r["combination"] == "layer")
    expected = -spearmanr(series(found, "euclidean")[:, 2], dataset.score).statistic
    assert row["srcc"] == pytest.approx(expected)
    assert row["srcc"] > 0.8
    assert row["srcc_low"] <= row["srcc"] <= row["srcc_high"]
    assert (row["depth"], row["channels"], row["contents"]) == (2, 5, 5)
    assert row["relative_depth"] == pytest.approx(2 / 3)
    assert found.best("tiny0")["srcc"] == max(r["srcc"] for r in found.rows)
    assert found.to_table().num_rows == len(found.rows) == 8
    assert found.distance_table().num_rows == len(dataset)


def count_passes(backbone, monkeypatch):
    passes = []
    stream = type(backbone).stream

    def counted(self, batch, layers, **options):
        passes.append(batch.shape[-2:])
        return stream(self, batch, layers, **options)

    monkeypatch.setattr(type(backbone), "stream", counted)
    return passes


def test_every_image_goes_through_the_network_once(backbone, dataset, monkeypatch):
    passes = count_passes(backbone, monkeypatch)
    exam.layers(backbone, dataset, resampling=FEW)
    images = [size for size in passes if tuple(size) == (24, 32)]
    assert len(images) == len(dataset) + len(set(dataset.reference))


def test_large_references_go_layer_by_layer_with_the_same_result(backbone, dataset):
    whole = exam.layers(backbone, dataset, readouts=["cosine-channel"])
    small = exam.layers(backbone, dataset, readouts=["cosine-channel"], memory=1000)
    np.testing.assert_allclose(
        series(small, "cosine-channel"), series(whole, "cosine-channel"), rtol=1e-6
    )


def test_an_exam_that_was_cut_off_goes_on(backbone, dataset, tmp_path, monkeypatch):
    folder = tmp_path / "checkpoint"
    expected = exam.layers(backbone, dataset, resampling=FEW)

    def stop(count, done=[]):  # noqa: B006
        done.append(count)
        if len(done) == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exam.layers(backbone, dataset, resampling=FEW, checkpoint=folder, progress=stop)
    kept = sorted(folder.iterdir())
    assert len(kept) == 2
    kept[0].write_bytes(b"damaged")
    passes = count_passes(backbone, monkeypatch)
    again = exam.layers(backbone, dataset, resampling=FEW, checkpoint=folder)
    assert again.rows == expected.rows
    images = [size for size in passes if tuple(size) == (24, 32)]
    assert len(images) == 4 * (1 + 4)
    passes.clear()
    done = []
    exam.layers(backbone, dataset, resampling=FEW, checkpoint=folder, progress=done.append)
    assert not [size for size in passes if tuple(size) == (24, 32)]
    assert sum(done) == len(dataset)


def test_changed_images_are_measured_again(backbone, dataset, tmp_path):
    folder = str(tmp_path / "checkpoint")
    exam.layers(backbone, dataset, readouts=["mean"], checkpoint=folder)
    assert list((tmp_path / "checkpoint").iterdir())
    pixels = (read_image(dataset.image[0]) * 128).permute(1, 2, 0).numpy()
    save(dataset.image[0], pixels)
    kept = exam.layers(backbone, dataset, readouts=["mean"], checkpoint=folder)
    fresh = exam.layers(backbone, dataset, readouts=["mean"])
    assert kept.rows == fresh.rows


def test_several_networks_and_random_controls_stand_side_by_side(dataset):
    found = exam.layers(
        "squeezenet1_1",
        dataset.subset([0, 1, 2, 3]),
        weights="random",
        layers=["pool1", "conv1"],
        readouts=["euclidean"],
        controls="random",
        seeds=(0, 1),
        resampling=FEW,
    )
    assert list(found.networks) == [
        "squeezenet1_1", "squeezenet1_1 random 0", "squeezenet1_1 random 1",
    ]  # fmt: skip
    layers = [r["layer"] for r in found.rows if r["network"] == "squeezenet1_1"]
    assert layers == ["conv1", "pool1"] * 2  # in order of depth, whatever the order asked for
    same, other = (
        next(s for s in found.series if s.network == f"squeezenet1_1 random {seed}")
        for seed in (0, 1)
    )
    np.testing.assert_array_equal(found.series[0].distances, same.distances)
    assert (other.distances != same.distances).any()


def test_half_size_is_the_mean_of_four_pixels(backbone, dataset):
    found = exam.layers(backbone, dataset, layers=["input"], readouts=["euclidean"], resize="half")
    x, y = (read_image(path[0]) for path in (dataset.image, dataset.reference))
    half = torch.nn.functional.avg_pool2d(x - y, 2)
    assert series(found, "euclidean")[0, 0] == pytest.approx(half.norm().item(), rel=1e-5)


def test_wrong_questions_are_refused(backbone, dataset):
    with pytest.raises(MetricError, match="No readout is called 'euclid'"):
        exam.layers(backbone, dataset, readouts=["euclid"])
    with pytest.raises(MetricError, match="at least one"):
        exam.layers(backbone, dataset, readouts=[])
    with pytest.raises(BackboneError, match="needs the network's name"):
        exam.layers(backbone, dataset, controls="random")
    with pytest.raises(BackboneError, match="Two networks are called"):
        exam.layers([tiny(), tiny()], dataset)
    with pytest.raises(BackboneError, match="no network 'x'"):
        exam.layers(backbone, dataset, readouts=["mean"]).best("x")


def test_images_without_partners_of_their_size_are_refused(backbone, dataset, tmp_path):
    with pytest.raises(DatasetError, match="no images"):
        exam.layers(backbone, dataset.subset(np.zeros(0, int)))
    save(dataset.image[0], np.full((10, 10, 3), 100.0))
    with pytest.raises(ImageError, match="sizes must be equal"):
        exam.layers(backbone, dataset)


def test_gabor_has_no_random_control(dataset):
    found = exam.layers(
        create_backbone("gabor"), dataset.subset([0, 1]), readouts=["gram"], controls="random"
    )
    assert list(found.networks) == ["gabor"]
    assert all(math.isfinite(v) for one in found.series for v in one.distances.ravel())
