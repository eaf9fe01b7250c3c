"""Projections: seeded ones, fitted ones, and their files."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from scipy.linalg import hadamard
from scipy.stats import spearmanr
from sklearn.decomposition import TruncatedSVD

from snellen.distortions import distort
from snellen.errors import DistortionError, MetricError, WeightsError
from snellen.metrics import Projection, create_metric, create_metrics, fit_projection
from tests.metrics.inside import seeded_projection

SPECS = [
    f"{name}:{level}"
    for name in ("gaussian-blur", "white-noise", "jpeg", "saturation-hsv", "contrast")
    for level in (1, 3, 5)
]
SIGNS = [[1, 1, 1], [1, -1, -1], [1, -1, 1], [-1, -1, 1], [1, 1, -1], [1, -1, 1]]


@pytest.fixture(scope="module")
def squeeze():
    return create_metric(
        "rr-squeezenet1_1", weights="random", layers=["relu1", "fire2"], values=6
    )  # fmt: skip


@pytest.fixture
def crops(photos):
    return [photo[..., 20:84, 30:110] for photo in photos]


@given(st.integers(1, 300), st.data())
def test_a_seeded_projection_is_made_of_columns_of_a_hadamard_matrix(size, data):
    values, seed = data.draw(st.integers(1, size)), data.draw(st.integers(0, 99))
    matrix = seeded_projection(size, values, seed).matrix.numpy() * np.sqrt(values)
    np.testing.assert_allclose(np.abs(matrix), 1)
    order = 1 << (size - 1).bit_length()
    known = {tuple(row) for row in hadamard(order)[:, :size]}
    # Signs are the same in all columns and cancel in the product of two.
    products = (matrix[:, :1] * matrix).round().astype(int).T
    assert {tuple(row) for row in products} <= known
    assert len({tuple(row) for row in matrix.T}) == values or size < order
    if size == order:
        np.testing.assert_allclose(matrix.T @ matrix, size * np.eye(values), atol=1e-9)


def test_seeded_projections_keep_distances_on_average():
    points = torch.randn(40, 500, dtype=torch.float64)
    true = torch.linalg.vector_norm(points, dim=1)
    for values in (16, 64, 256):
        maps = [seeded_projection(500, values, seed).matrix for seed in range(20)]
        ratio = (
            torch.stack([torch.linalg.vector_norm(points @ m, dim=1) for m in maps]) / true
        ) ** 2
        assert abs(float(ratio.mean()) - 1) < 0.05
        assert float(ratio.std()) < 1.2 * (2 / values) ** 0.5


def test_a_seeded_projection_never_changes():
    """Sender and receiver agree on a seed: these signs are part of the format."""
    matrix = seeded_projection(6, 3, 0).matrix * 3**0.5
    assert matrix.round().int().tolist() == SIGNS


def test_other_seeds_are_other_projections():
    one, other = (
        create_metric("rr-squeezenet1_1", weights="random", readout_options={"seed": seed})
        for seed in (0, 1)
    )
    assert not torch.equal(one.projection.matrix, other.projection.matrix)
    image = torch.rand(1, 3, 64, 64)
    with pytest.raises(MetricError, match=r"projection\.seed: 0 there, 1 here"):
        other(image, one.describe(image))


def test_without_teachers_it_is_whitened_principal_components(squeeze, crops):
    found = fit_projection(crops, squeeze, distortions=SPECS, teachers=[], values=5)
    pooled = [squeeze.pooled(crop) for crop in crops]
    moved = torch.cat(
        [
            squeeze.pooled(distort(crop, spec, seed=i)) - reference
            for i, (crop, reference) in enumerate(zip(crops, pooled, strict=True))
            for spec in SPECS
        ]
    ).numpy()
    oracle = TruncatedSVD(5, algorithm="arpack", random_state=0).fit(moved)
    variances = oracle.singular_values_**2 / len(moved)
    expected = oracle.components_.T / np.sqrt(variances + 0.1 * variances.mean())
    matrix = found.matrix.double().numpy()
    scale = np.linalg.norm(matrix, axis=0) / np.linalg.norm(expected, axis=0)
    np.testing.assert_allclose(scale, scale[0], rtol=1e-3)
    cosines = (matrix * expected).sum(0) / np.linalg.norm(matrix, axis=0)
    np.testing.assert_allclose(np.abs(cosines), np.linalg.norm(expected, axis=0), rtol=1e-3)
    np.testing.assert_allclose(found.centre, torch.cat(pooled).mean(0), rtol=1e-5, atol=1e-6)
    assert np.linalg.norm(moved @ matrix, axis=1).mean() == pytest.approx(1, rel=1e-4)


def test_a_teacher_is_followed_on_images_that_were_not_seen(crops):
    train, test = crops[:4], crops[4:]
    teacher = create_metric("mdsi")
    found = []
    for teachers in ([], ["mdsi"]):
        made = fit_projection(train, "rr-gabor", distortions=SPECS, teachers=teachers, values=16)
        metric = create_metric("rr-gabor", values=2)
        metric.projection = made
        ours, theirs = [], []
        for image in test:
            for spec in SPECS:
                x = distort(image, spec, seed=9)
                ours.append(float(metric(x, image)))
                theirs.append(float(teacher(x, image)))
        found.append(spearmanr(ours, theirs).statistic)
    assert found[1] > max(found[0], 0.5)


def test_the_same_images_give_the_same_projection(squeeze, crops):
    first, second = (
        fit_projection(crops[:2], squeeze, distortions=SPECS[:6], teachers=["mdsi"], values=4)
        for _ in range(2)
    )
    assert torch.equal(first.matrix, second.matrix)
    assert first.terms == second.terms


def test_progress_counts_distorted_images_of_files_and_batches(squeeze, crops, tmp_path):
    from torchvision.utils import save_image

    save_image(crops[0], tmp_path / "a.png")
    steps = []
    made = fit_projection(
        [tmp_path / "a.png", torch.cat([c[..., :60, :70] for c in crops[:2]])],
        squeeze, distortions=SPECS[:4], teachers=[], values=3, progress=steps.append,
    )  # fmt: skip
    assert sum(steps) == 12
    assert made.fit["images"] == 3
    assert made.fit["distortions"] == SPECS[:4]


def test_files_come_back_and_serve_metrics(squeeze, crops, tmp_path):
    path = tmp_path / "deep" / "fitted.safetensors"
    made = fit_projection(crops[:3], squeeze, distortions=SPECS[:6], teachers=[], values=6)
    made.save(path)
    back = Projection.load(path)
    assert torch.equal(back.matrix, made.matrix)
    assert torch.equal(back.centre, made.centre)
    assert (back.terms, back.made_for, back.fit) == (made.terms, made.made_for, made.fit)
    # The file brings layers and pooling.
    metric = create_metric("rr-squeezenet1_1", weights="random", projection=path, values=4)
    assert metric.layers == ("relu1", "fire2")
    assert metric.manifest()["projection"] == made.terms
    values = metric.describe(crops[0]).values.float()
    expected = (squeeze.pooled(crops[0]) - made.centre) @ made.matrix[:, :4].double()
    torch.testing.assert_close(values, expected.float(), rtol=2e-3, atol=2e-3)
    together = create_metrics(["psnr", "rr-squeezenet1_1"], weights="random", projection=path)
    assert together["rr-squeezenet1_1"].projection.terms == made.terms


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "fire2"}, "fitted for another layers"),
        ({"readout_options": {"pooling": "mean"}}, "fitted for another pooling"),
        ({"seed": 1}, "fitted for another backbone"),
        ({"values": 7}, "from 1 to 6"),
    ],
)
def test_a_projection_for_something_else_is_refused(options, message, squeeze, crops, tmp_path):
    path = tmp_path / "fitted.safetensors"
    fit_projection(crops[:2], squeeze, distortions=SPECS[:6], teachers=[], values=6).save(path)
    with pytest.raises(MetricError, match=message):
        create_metric("rr-squeezenet1_1", weights="random", projection=path, **options)
    with pytest.raises(MetricError, match="psnr has no network: projection cannot be set"):
        create_metric("psnr", projection=path)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"gone.*cannot be read as a projection"):
        create_metric("rr-gabor", projection=tmp_path / "gone.safetensors")
    (tmp_path / "text").write_text("no tensors")
    with pytest.raises(WeightsError, match=r"text.*cannot be read as a projection"):
        Projection.load(tmp_path / "text")
    save_file({"matrix": torch.zeros(2, 2)}, tmp_path / "weights")
    with pytest.raises(WeightsError, match=r"weights: is no projection.*tensors matrix"):
        Projection.load(tmp_path / "weights")


def test_what_cannot_be_fitted_is_refused(squeeze, crops):
    with pytest.raises(MetricError, match="given no images"):
        fit_projection([], squeeze, distortions=SPECS, teachers=[])
    with pytest.raises(MetricError, match="values must be a whole number from 1 to 3"):
        fit_projection(crops[:1], squeeze, distortions=SPECS[:3], teachers=[], values=4)
    with pytest.raises(MetricError, match="dfb is full-reference and has no projection"):
        fit_projection(crops, "dfb")
    with pytest.raises(DistortionError, match="gausian"):
        fit_projection(crops, squeeze, distortions=["gausian-blur:1"], teachers=[])
    with pytest.raises(MetricError, match="No metric is called 'mdsy'"):
        fit_projection(crops, squeeze, teachers=["mdsy"])


def test_the_shipped_projection_is_small_and_says_how_it_was_made():
    metric = create_metric("rr-gabor", values=64)
    assert metric.projection.most_values == 64
    fit = metric.projection.fit
    assert fit["teachers"] == ["fsim", "vsi", "haarpsi", "mdsi"]
    assert fit["images"] == 16
    assert len(fit["distortions"]) == 75
    assert metric.projection.terms["kind"] == "fitted"
