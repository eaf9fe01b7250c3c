"""What every feature metric promises about scores, batches, references and gradients."""

import copy
import pickle

import pytest
import torch

from snellen.errors import MetricError
from snellen.metrics import create_metric, create_metrics, find_row
from snellen.readouts import list_readouts

# Every feature row of the catalogue; vgg and alex only have random weights here.
QUICK = ["dfb", "dfb-squeezenet1_1", "euclidean-gabor", "euclidean-squeezenet1_1",
         "wsd-gabor", "wsd-squeezenet1_1", "lpips-squeeze"]  # fmt: skip
SLOW = ["lpips-alex", "lpips-vgg", "dists", "deepdc"]


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """Create metrics by name, once each, with random weights everywhere."""
    made = {}
    folder = tmp_path_factory.mktemp("heads")

    def create(name):
        if name not in made:
            weights = {} if "gabor" in name or name == "dfb" else {"weights": "random"}
            head = (
                {"head_weights": _random_head(name, folder)}
                if find_row(name).head and name != "dfb"
                else {}
            )
            made[name] = create_metric(name, **weights, **head)
        return made[name]

    return create


def _random_head(name, folder):
    channels = {
        "lpips-alex": (64, 192, 384, 256, 256),
        "lpips-vgg": (64, 128, 256, 512, 512),
        "lpips-squeeze": (64, 128, 256, 384, 384, 512, 512),
    }
    if name in channels:
        state = {
            f"lin{i}.model.1.weight": torch.rand(1, c, 1, 1) for i, c in enumerate(channels[name])
        }
    else:
        state = {key: torch.rand(1, 1475, 1, 1) for key in ("alpha", "beta")}
    torch.save(state, folder / f"{name}.pth")
    return folder / f"{name}.pth"


def flat(value):
    return torch.full((1, 3, 64, 64), value)


@pytest.mark.parametrize("name", QUICK + SLOW)
def test_identity_is_exactly_zero_with_finite_gradients(make, name, photos):
    metric = make(name)
    for image in (flat(0.4), flat(0.0), flat(1.0), photos[0][..., :65, :67]):
        x = image.clone().requires_grad_()
        score = metric(x, image)
        assert score.tolist() == [0.0]
        score.sum().backward()
        assert x.grad.isfinite().all()
        assert metric(image, image).tolist() == [0.0]


@pytest.mark.parametrize("name", QUICK + SLOW)
def test_gradients_flow_to_the_image_that_asks_and_are_finite(make, name, batch_pair):
    metric = make(name)
    x, y = (t[:2] for t in batch_pair)
    for image in (x, torch.full_like(y, 0.5), torch.zeros_like(y)):
        image = image.clone().requires_grad_()
        score = metric(image, y)
        assert score.requires_grad
        score.sum().backward()
        assert image.grad.isfinite().all()
        torch.testing.assert_close(score.detach(), metric(image.detach(), y), rtol=1e-5, atol=0)
    # The last images are uniform, at a saddle of the Gabor energies: only real ones must move.
    image = x.clone().requires_grad_()
    metric(image, y).sum().backward()
    assert image.grad.abs().sum() > 0
    assert y.grad is None


@pytest.mark.parametrize("name", QUICK + SLOW)
def test_scores_do_not_depend_on_batch_composition(make, name, batch_pair):
    metric = make(name)
    x, y = batch_pair
    together = metric(x, y)
    alone = torch.cat([metric(x[i : i + 1], y[i : i + 1]) for i in range(len(x))])
    order = torch.tensor([3, 0, 4, 2, 1])
    # For other numbers of images the library convolves by another kernel, on some processors and
    # of some layers: features then differ by 2e-6 of the largest, scores by more where images are
    # similar. No readout can mend that; alone, each is held to 1e-6 (tests/readouts).
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=0)
    torch.testing.assert_close(metric(x[order], y[order]), together[order], rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", QUICK + SLOW)
def test_one_reference_against_many_and_prepared(make, name, batch_pair):
    metric = make(name)
    x, y = batch_pair
    x = torch.cat([x[:3], y[:1]])
    alone = torch.cat([metric(x[i : i + 1], y[:1]) for i in range(len(x))])
    assert alone[-1] == 0
    assert (alone[:-1] > 0).all()
    prepared = metric.prepare(y[:1])
    for reference in (y[:1], y[0], prepared):
        torch.testing.assert_close(metric(x, reference), alone, rtol=1e-6, atol=0)
    torch.testing.assert_close(metric(x[:1], prepared), alone[:1], rtol=0, atol=0)
    torch.testing.assert_close(metric(y[:1], x), alone, rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", QUICK + SLOW)
def test_distances_are_symmetric_and_in_range(make, name, distorted_pairs):
    metric = make(name)
    for _, x, y in distorted_pairs[:2]:
        x, y = x[..., :71, :67], y[..., :71, :67]
        score = metric(x, y).item()
        assert score == pytest.approx(metric(y, x).item(), rel=1e-5)
        low, high = metric.range
        assert low < score
        assert high is None or score <= high


@pytest.mark.parametrize("name", ["dfb", "lpips-squeeze"])
def test_a_copy_gives_the_same_scores(make, name, batch_pair):
    metric = make(name)
    expected = metric(*batch_pair)
    for other in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        assert torch.equal(other(*batch_pair), expected)
        assert other.manifest() == metric.manifest()
        assert other.backbone is not metric.backbone


def test_reductions(batch_pair):
    scores = create_metric("dfb")(*batch_pair)
    assert scores.shape == (5,)
    assert create_metric("dfb", reduction="mean")(*batch_pair) == scores.mean()
    assert create_metric("dfb", reduction="sum")(*batch_pair) == scores.sum()
    both = create_metrics(["dfb", "psnr"], reduction="mean")(*batch_pair)
    assert {name: value.shape for name, value in both.items()} == {"dfb": (), "psnr": ()}


def test_keywords_and_order():
    metric = create_metric("dfb", align="resize")
    x, y = torch.rand(1, 3, 48, 40), torch.rand(1, 3, 40, 36)
    forth = metric(distorted=x, reference=y)
    assert torch.equal(forth, metric(x, y))
    # Only the distorted image is ever resized: the order is not arbitrary even here.
    assert not torch.equal(forth, metric(y, x))
    assert metric.map(x, y).shape == (1, 1, 40, 36)


def test_maps_have_the_size_of_the_images(squeeze, distorted_pairs):
    for metric in (squeeze, create_metric("dfb", resize="half"), create_metric("euclidean-gabor")):
        _, x, y = distorted_pairs[0]
        shown = metric(x, y, spatial=True)
        assert metric.has_map
        assert shown.shape == (1, 1, *x.shape[2:])
        assert torch.equal(shown, metric.map(x, metric.prepare(y)))
        assert shown.min() >= 0
        assert not metric.map(y, y).any()
        changed = y.clone()
        changed[..., 8:16, 8:16] = 0
        far = metric.map(changed, y)[..., 80:, 100:].amax()
        assert metric.map(changed, y)[..., 8:16, 8:16].mean() > 10 * far


def test_metrics_of_whole_images_have_no_map(batch_pair):
    for metric in (create_metric("psnr"), create_metric("wsd-gabor")):
        assert not metric.has_map
        with pytest.raises(MetricError, match="no map"):
            metric.map(*batch_pair)


def test_equal_images_map_to_zero_against_a_reference_of_their_own(squeeze, batch_pair):
    _, y = batch_pair
    shown = squeeze.map(y, y[:1])
    assert not shown[0].any()
    assert all(shown[i].any() for i in range(1, 5))


def test_the_score_of_an_inference_can_enter_a_later_graph(batch_pair):
    x, y = batch_pair
    for metric in (create_metric("dfb"), create_metric("psnr")):
        score = metric(x, y)
        weight = torch.ones(5, requires_grad=True)
        (weight * score).sum().backward()
        assert torch.equal(weight.grad, score)
    shown = create_metric("dfb").map(x, y)
    gain = torch.ones((), requires_grad=True)
    (gain * shown).sum().backward()
    assert gain.grad.isfinite()


@pytest.mark.parametrize("readout", list_readouts())
def test_a_prepared_reference_serves_a_loss(squeeze, readout, batch_pair):
    x, y = batch_pair
    metric = create_metric(
        "dfb-squeezenet1_1", backbone=squeeze.backbone, readout=readout, layers=squeeze.layers
    )
    prepared = metric.prepare(y)
    gradients = []
    for reference in (y, prepared):
        image = x.clone().requires_grad_()
        metric(image, reference).sum().backward()
        gradients.append(image.grad)
    torch.testing.assert_close(*gradients)


def test_no_graph_without_need(squeeze, batch_pair):
    x, y = batch_pair
    assert not squeeze(x, y).requires_grad
    with torch.no_grad():
        assert not squeeze(x.clone().requires_grad_(), y).requires_grad


def test_channel_weights_change_the_score_as_the_readout_says(batch_pair):
    x, y = batch_pair
    layer = "complex2"
    one_channel = torch.zeros(18)
    one_channel[4] = 3.0
    metric = create_metric("euclidean-gabor", layer=layer, channel_weights={layer: one_channel})
    features = [metric.backbone(t, [layer])[layer][:, 4].double() for t in (x, y)]
    expected = (3 * (features[0] - features[1]) ** 2).sum((1, 2)).sqrt()
    torch.testing.assert_close(metric(x, y).double(), expected, rtol=1e-6, atol=0)


def test_layers_are_summed_averaged_or_joined(batch_pair):
    x, y = batch_pair
    layers = ["complex1", "complex3"]
    each = torch.stack([create_metric("euclidean-gabor", layer=name)(x, y) for name in layers])

    def combined(how):
        return create_metric("euclidean-gabor", layers=layers, combine=how)(x, y)

    torch.testing.assert_close(combined("sum"), each.sum(0))
    torch.testing.assert_close(combined("mean"), each.mean(0))
    torch.testing.assert_close(combined("join"), each.norm(dim=0))
    reverse = create_metric("euclidean-gabor", layers=layers[::-1], combine="join")(x, y)
    assert torch.equal(reverse, combined("join"))
