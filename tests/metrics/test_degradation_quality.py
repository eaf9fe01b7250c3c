"""Blind quality out of responses: the statistics, the fitted head, and its file."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge

from snellen.backbones import create_backbone
from snellen.distortions import distort
from snellen.errors import MetricError, WeightsError
from snellen.metrics import (
    QualityMetric,
    ResponseHead,
    create_metric,
    create_metrics,
    create_response_statistics,
    fit_response_head,
)

DEGRADATIONS = ("gaussian-blur@1", "white-noise@0.002")


@pytest.fixture
def images(photos):
    return torch.cat([photo[..., 40:104, 40:112] for photo in photos[:3]])


@pytest.fixture(scope="module")
def network():
    return create_backbone("squeezenet1_1", "random")


@pytest.fixture
def statistics(network):
    return create_response_statistics(network, DEGRADATIONS, layers=["relu1", "fire3"], seed=4)


@pytest.fixture
def head(statistics, images):
    found = statistics(torch.cat([images, distort(images, "blur:4"), distort(images, "noise:5")]))
    values = torch.arange(len(found))
    return fit_response_head(
        found,
        values,
        width=1.0,
        ridge=0.1,
        degradations=DEGRADATIONS,
        seed=4,
        made_for=statistics.made_for(),
        fit={"examples": 9},
    )


def test_statistics_are_those_of_the_features(statistics, network, images):
    found = statistics(images[:1])[0].numpy()
    f = {n: v[0].double().numpy() for n, v in network(images[:1], ["relu1", "fire3"]).items()}
    expected = []
    for layer in f.values():
        logs = (np.log(layer.var((1, 2)) + 1e-8), np.log(layer.mean((1, 2)) ** 2 + 1e-8))
        expected += [number for log in logs for number in (log.mean(), log.std())]
    for spec in DEGRADATIONS:
        changed = network(distort(images[:1], spec, seed=4), ["relu1", "fire3"])
        for name, layer in f.items():
            other = changed[name][0].double().numpy()
            squares = (layer**2 + other**2).mean((1, 2))
            moved = ((layer - other) ** 2).mean((1, 2))
            expected.append(np.log((moved.sum() + 1e-8) / (squares.sum() + 1e-8)))
            expected.append(np.log((moved + 1e-8) / (squares + 1e-8)).std())
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_head_is_kernel_ridge_regression(weighted):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 5)), rng.normal(size=40)
    weights = np.array([1, 1, 1, 0.5, 0.5]) if weighted else np.ones(5)
    head = fit_response_head(
        torch.from_numpy(x),
        torch.from_numpy(y),
        width=0.8,
        ridge=0.2,
        weights=torch.from_numpy(weights),
        degradations=(),
    )
    z = (x - x.mean(0)) / x.std(0) * weights
    gamma = 1 / (2 * 0.8**2 * 2 * 5)
    peer = KernelRidge(alpha=0.2, kernel="rbf", gamma=gamma).fit(z, y - y.mean())
    new = rng.normal(size=(20, 5))
    expected = peer.predict((new - x.mean(0)) / x.std(0) * weights) + y.mean()
    # The examples are kept in float16.
    np.testing.assert_allclose(head(torch.from_numpy(new)).numpy(), expected, atol=5e-3)


def test_outliers_are_no_farther_than_the_edge(head):
    far, farther = (torch.full((1, len(head.centre)), value) for value in (1e4, 1e6))
    assert torch.equal(head(far), head(farther))


def test_a_head_comes_back_from_its_file_and_scores_the_same(head, network, images, tmp_path):
    path = tmp_path / "deep" / "head.safetensors"
    head.save(path)
    again = ResponseHead.load(path)
    assert again.sha256 == head.sha256
    assert (again.degradations, again.seed, again.fit) == (DEGRADATIONS, 4, {"examples": 9})
    metric = create_metric("ddr", backbone=network, head_weights=path)
    assert isinstance(metric, QualityMetric)
    assert metric.layers == ("relu1", "fire3")
    assert metric.row.degradations == DEGRADATIONS
    statistics = create_response_statistics(
        network, DEGRADATIONS, layers=["relu1", "fire3"], seed=4
    )
    torch.testing.assert_close(metric(images), head(statistics(images)))
    manifest = metric.manifest()
    assert manifest["head"] == {"sha256": head.sha256, "examples": 9}
    assert [made["spec"] for made in manifest["degradations"]] == list(DEGRADATIONS)
    json.dumps(manifest)


def test_a_head_is_for_one_network_with_its_weights(head, tmp_path):
    path = tmp_path / "head.safetensors"
    head.save(path)
    with pytest.raises(MetricError, match=r"head was fitted for squeezenet1_1.*fit one"):
        create_metric("ddr", head_weights=path)
    other = create_backbone("squeezenet1_1", "random", seed=1)
    with pytest.raises(MetricError, match="with other weights than this squeezenet1_1"):
        create_metric("ddr", backbone=other, head_weights=path)
    with pytest.raises(MetricError, match=r"no head for squeezenet1_1 comes with the package"):
        create_metric("ddr", backbone=other)


def test_a_file_that_is_no_head_is_refused(head, tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(WeightsError, match=r"x.safetensors: cannot be read"):
        create_metric("ddr", head_weights=path)
    path.write_bytes(b"no head")
    with pytest.raises(WeightsError, match=r"x.safetensors: cannot be read"):
        create_metric("ddr", head_weights=path)
    with pytest.raises(WeightsError, match=r"is no head of ddr.*centre, matrix"):
        create_metric("ddr", head_weights=_a_projection(path))


def _a_projection(path):
    from tests.metrics.inside import fitted_projection

    fitted_projection(torch.zeros(3), torch.eye(3), {}, {}).save(path)
    return path


@pytest.mark.parametrize(
    "options",
    [{"layer": "complex1"}, {"readout": "cosine"}, {"levels": (1,)}, {"degradation_seed": 3}],
    ids=lambda options: next(iter(options)),
)
def test_what_the_head_settles_cannot_be_set(options):
    with pytest.raises(MetricError, match=r"ddr has a fitted head, which settles .*\(ddr-\*\)"):
        create_metric("ddr", **options)


def test_the_shipped_head_tells_damaged_photographs(photos):
    metric = create_metric("ddr")
    assert metric.lower_better is False
    damaged = [
        torch.cat([photo, *(distort(photo, f"{kind}:5", seed=1) for kind in ("blur", "noise"))])
        for photo in photos
    ]
    for images in damaged:
        clean, *others = metric(images).tolist()
        assert clean > max(others)


def test_it_works_on_any_content_and_size():
    metric = create_metric("ddr")
    for image in (torch.zeros(1, 3, 32, 32), torch.ones(2, 3, 33, 47), torch.rand(1, 3, 35, 32)):
        scores = metric(image)
        assert scores.shape == (len(image),)
        assert scores.isfinite().all()


def test_the_batch_plays_no_part(images):
    metric = create_metric("ddr")
    together = metric(images)
    alone = torch.cat([metric(image) for image in images])
    torch.testing.assert_close(together, alone, rtol=1e-6, atol=0)
    assert re.fullmatch("[0-9a-f]{64}", metric.manifest()["head"]["sha256"])


@pytest.mark.parametrize("count", [2, 24, 26, 100])
def test_the_shipped_head_maps_every_row_by_itself(count):
    """The products of matrices of the kernel are others for few rows than for many."""
    head = create_metric("ddr").head
    rows = head.centre + head.deviation * torch.randn(count, len(head.centre))
    alone = torch.cat([head(row[None]) for row in rows])
    torch.testing.assert_close(head(rows), alone, rtol=1e-6, atol=0)
    exact = head(rows.double())
    torch.testing.assert_close(head(rows), exact.float(), rtol=1e-6, atol=0)


def test_ddr_shares_the_passes_of_its_degradations(images, monkeypatch):
    metrics = create_metrics(["ddr", "ddr-jpeg@50", "ddr-gaussian-blur@0.7"])
    calls, stream = [], type(metrics["ddr"].backbone).stream

    def count(self, batch, layers):
        calls.append(len(batch))
        return stream(self, batch, layers)

    monkeypatch.setattr(type(metrics["ddr"].backbone), "stream", count)
    scores = metrics(images)
    assert len(calls) == 1 + len(set(metrics["ddr"].degradations) | {"jpeg@50"})
    torch.testing.assert_close(scores["ddr"], create_metric("ddr")(images))


def test_the_same_examples_give_the_same_file(head, statistics, images, tmp_path):
    files = []
    found = statistics(torch.cat([images, distort(images, "blur:4")]))
    for name, examples in {"a": found, "b": found, "by columns": found.T.contiguous().T}.items():
        again = fit_response_head(
            examples,
            torch.arange(6),
            width=1.0,
            ridge=0.1,
            degradations=DEGRADATIONS,
        )
        again.save(tmp_path / name)
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1] == files[2]
    other = replace(head, intercept=head.intercept + 1)
    assert other.sha256 != head.sha256
