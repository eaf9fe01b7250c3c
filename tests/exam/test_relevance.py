import numpy as np
import pytest
import torch
from scipy.optimize import approx_fprime

from snellen import create_metric, exam
from snellen.errors import DatasetError, MetricError, WeightsError
from snellen.metrics import load_channel_weights, save_channel_weights
from tests.exam.inside import divide, fit_relevance, fit_weights
from tests.exam.inside import relevance_module as _relevance


@pytest.fixture
def planted():
    """Sixty contents x five images, ten channels, of which people see the first two."""
    rng = np.random.default_rng(0)
    contents = np.repeat([f"c{i:02d}" for i in range(30)], 5)
    channels = rng.exponential(1.0, (len(contents), 10))
    truth = np.zeros(10)
    truth[:2] = 3, 1
    return channels, -np.sqrt(channels @ truth), contents, truth


def test_planted_weights_are_found_and_hold_on_held_out_contents(planted):
    channels, quality, contents, truth = planted
    found = fit_relevance("layer", channels, quality, contents, seeds=range(3))
    for split in found.splits:
        assert split.weighted > 0.95 > 0.7 > split.uniform
    assert found.interval("gain")[0] > 0.25
    assert found.interval("gain")[1] > 0
    share = found.weights / found.weights.sum()
    np.testing.assert_allclose(share, truth / truth.sum(), atol=0.08)
    assert (found.weights >= 0).all()
    assert found.weights.mean() == pytest.approx(1)


def test_a_strong_pull_leaves_weights_uniform(planted):
    channels, quality, _, _ = planted
    np.testing.assert_allclose(fit_weights(channels, quality, 1e6), 1, atol=1e-3)


def test_the_fit_is_a_minimum_of_the_loss_that_is_stated(planted):
    channels, quality, _, _ = planted
    x = channels / channels.mean() / channels.shape[1]

    def loss(weights):
        r = np.corrcoef(np.sqrt(x @ weights), -quality)[0, 1]
        return 1 - r + 0.1 * np.mean((weights - 1) ** 2)

    found = fit_weights(channels, quality, 0.1)
    # The weights are scaled to mean 1 afterwards: look along their direction.
    best = min((loss(found * s), s) for s in np.linspace(0.02, 3, 2981))[1]
    weights = found * best
    slope = approx_fprime(weights, loss, 1e-7)
    assert np.abs(slope[weights > 1e-3]).max() < 2e-3
    assert slope[weights <= 1e-3].min(initial=0) > -2e-3


def test_contents_held_out_never_take_part(planted, monkeypatch):
    channels, quality, contents, _ = planted
    seen = []
    fit = _relevance.fit_weights

    def spy(x, y, penalty):
        seen.append({contents[np.flatnonzero((channels == row).all(1))[0]] for row in x})
        return fit(x, y, penalty)

    monkeypatch.setattr(_relevance, "fit_weights", spy)
    found = fit_relevance("layer", channels, quality, contents, seeds=[4], penalties=[1.0, 0.1])
    (split,) = found.splits
    assert set(split.train).isdisjoint(split.test)
    assert set(split.train) | set(split.test) == set(contents)
    assert len(split.test) == 10
    *chosen, last = seen[:3]
    assert all(one < set(split.train) for one in chosen)
    assert last == set(split.train)


def test_division_is_by_content_and_by_seed():
    contents = np.repeat(["a", "b", "c", "d"], 3)
    kept, held = divide(contents, 0.5, np.random.default_rng(1))
    assert set(contents[kept]).isdisjoint(contents[held])
    assert sorted([*kept, *held]) == list(range(12))
    again = divide(contents, 0.5, np.random.default_rng(1))
    np.testing.assert_array_equal(held, again[1])


def test_weights_of_a_network_serve_a_metric(backbone, dataset, tmp_path):
    (found,) = exam.relevance(backbone, "conv2", dataset, seeds=[0, 1])
    assert "over 2 splits" in found.summary()
    assert [row["seed"] for row in found.rows()] == [0, 1]
    assert found.manifest()["layer"] == "conv2"
    path = tmp_path / "weights.safetensors"
    save_channel_weights(path, {found.layer: found.weights})
    weights = load_channel_weights(path)
    metric = create_metric(
        "euclidean-gabor", backbone=backbone, layer="conv2", channel_weights=weights
    )
    x, y = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16)
    f, g = backbone(x)["conv2"], backbone(y)["conv2"]
    expected = ((f - g) ** 2 * weights["conv2"].view(1, -1, 1, 1)).sum().sqrt()
    torch.testing.assert_close(metric(x, y)[0], expected, rtol=1e-4, atol=0)


def test_wrong_questions_are_refused(backbone, dataset, tmp_path):
    few = dataset.subset(references=["r0", "r1"])
    with pytest.raises(DatasetError, match="2 reference contents"):
        exam.relevance(backbone, "conv1", few)
    with pytest.raises(MetricError, match="0 < test_share < 1"):
        exam.relevance(backbone, "conv1", dataset, test_share=1.0)
    path = tmp_path / "no.safetensors"
    with pytest.raises(WeightsError, match="no whole file"):
        load_channel_weights(path)
    from safetensors.torch import save_file

    save_file({"conv1": torch.ones(3)}, path)
    with pytest.raises(WeightsError, match="non-negative channel weights"):
        load_channel_weights(path)
