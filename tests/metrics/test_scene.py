"""BRISQUE and NIQE, against piq and against the published procedure written out step by step."""

import sys

import numpy as np
import piq
import pytest
import torch
from scipy.io import savemat
from scipy.ndimage import correlate
from scipy.special import gamma

from snellen.errors import ImageError, MetricError, WeightsError
from snellen.images import gray_levels
from snellen.metrics import create_metric, create_metrics
from tests.metrics.inside import (
    BLOCK,
    block_features,
    fit_scene_model,
    load_regression,
    load_scene_model,
    save_scene_model,
)

SHAPES = np.arange(0.2, 10.001, 0.001)
RATIOS = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))


def halved(grey):
    """Half of the size by MATLAB's antialiased bicubic `imresize`, at one row after the other."""
    taps = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256
    for axis in (0, 1):
        grey = np.moveaxis(grey, axis, 0)
        padded = np.concatenate([grey[2::-1], grey, grey[:-4:-1]])
        starts = range(0, len(grey), 2)
        grey = np.stack([np.tensordot(taps, padded[i : i + 8], 1) for i in starts])
        grey = np.moveaxis(grey, 0, axis)
    return grey


def normalised(grey):
    x = np.arange(-3, 4)
    window = np.exp(-(x[:, None] ** 2 + x**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    mean = correlate(grey, window, mode="nearest")
    deviation = np.sqrt(np.abs(correlate(grey**2, window, mode="nearest") - mean**2))
    return (grey - mean) / (deviation + 1), deviation


def asymmetric(values):
    left = np.sqrt(np.mean(values[values < 0] ** 2))
    right = np.sqrt(np.mean(values[values > 0] ** 2))
    ratio = left / right
    peak = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
    peak *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shape = SHAPES[np.argmin((RATIOS - peak) ** 2)]
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * scale, right * scale


def eighteen(block):
    shape, left, right = asymmetric(block)
    features = [shape, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        shape, left, right = asymmetric(block * np.roll(block, shift, (0, 1)))
        features += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
    return features


def published_features(grey):
    rows, columns = (side // BLOCK for side in grey.shape)
    grey = grey[: rows * BLOCK, : columns * BLOCK]
    scales = [(normalised(grey)[0], BLOCK), (normalised(halved(grey))[0], BLOCK // 2)]
    return np.array([
        [value for image, side in scales
         for value in eighteen(image[i * side : (i + 1) * side, j * side : (j + 1) * side])]
        for i in range(rows) for j in range(columns)
    ])  # fmt: skip


def published_niqe(grey, mean, covariance):
    features = published_features(grey)
    apart = mean - features.mean(axis=0)
    inverse = np.linalg.pinv((covariance + np.cov(features.T)) / 2)
    return np.sqrt(apart @ inverse @ apart)


@pytest.fixture
def photo(photos):
    big = torch.cat([photos[0][..., :160, :192], photos[1][..., :160, :192]], dim=2)
    return (big * 255).round() / 255


@pytest.fixture
def matlab_model(tmp_path):
    generator = np.random.default_rng(3)
    mixed = generator.normal(size=(36, 36)) / 10
    content = {"mu_prisparam": generator.random((1, 36)), "cov_prisparam": mixed @ mixed.T}
    savemat(tmp_path / "niqe_modelparameters.mat", content)
    return tmp_path / "niqe_modelparameters.mat", content


def test_niqe_is_the_published_procedure(photo, matlab_model):
    file, content = matlab_model
    grey = gray_levels(photo)
    expected = published_features(grey[0, 0].numpy())
    found, _ = block_features(grey)
    np.testing.assert_allclose(found[0].numpy(), expected, rtol=1e-6, atol=1e-9)
    score = create_metric("niqe", weights=file)(photo)
    expected = published_niqe(
        grey[0, 0].numpy(), content["mu_prisparam"][0], content["cov_prisparam"]
    )
    assert float(score) == pytest.approx(expected, rel=1e-5)


def test_niqe_with_the_published_parameters(photo, shared):
    file = shared / "weights" / "niqe_modelparameters.mat"
    model = load_scene_model(file)
    metric = create_metric("niqe", weights=file)
    expected = published_niqe(
        gray_levels(photo)[0, 0].numpy(), model.mean.numpy(), model.covariance.numpy()
    )
    assert float(metric(photo)) == pytest.approx(expected, rel=1e-5)
    assert metric.manifest()["head"]["file"] == file.name


def test_pristine_blocks_are_those_that_are_sharp(photos):
    greys = [gray_levels(photo) for photo in photos[:2]]
    taken = []
    for grey in greys:
        plain = grey[0, 0].numpy()
        rows, columns = (side // BLOCK for side in plain.shape)
        _, deviation = normalised(plain[: rows * BLOCK, : columns * BLOCK])
        sharp = deviation.reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3)).ravel()
        taken.append(published_features(plain)[sharp > 0.75 * sharp.max()])
    blocks = np.concatenate(taken)
    model = fit_scene_model(greys)
    np.testing.assert_allclose(model.mean, blocks.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(model.covariance, np.cov(blocks.T), rtol=1e-4, atol=1e-8)


def test_the_model_that_ships(photo, tmp_path):
    metric = create_metric("niqe-bsds")
    scores = [float(metric(image)) for image in (photo, _noisy(photo, 0.05), _noisy(photo, 0.15))]
    assert scores == sorted(scores)
    assert 0 < scores[0] < 10
    model = metric.model
    assert torch.linalg.eigvalsh(model.covariance).min() > 0
    save_scene_model(model, tmp_path / "again.safetensors", {"format": "test"})
    again = create_metric("niqe-bsds", weights=tmp_path / "again.safetensors")
    assert float(again(photo)) == scores[0]


@pytest.fixture
def regression_files(tmp_path):
    generator = torch.Generator().manual_seed(0)
    vectors = torch.rand(40, 36, generator=generator) * 2 - 1
    coefficients = torch.randn(40, 1, generator=generator) * 100
    torch.save((coefficients, vectors), tmp_path / "brisque_svm_weights.pt")
    lines = [
        " ".join([f"{float(c)!r}", *(f"{i + 1}:{float(v)!r}" for i, v in enumerate(vector))])
        for c, vector in zip(coefficients, vectors, strict=True)
    ]
    head = (
        "svm_type epsilon_svr\nkernel_type rbf\ngamma 0.05\nnr_class 2\ntotal_sv 40\nrho -153.591"
    )
    (tmp_path / "allmodel").write_text("\n".join([head, "SV", *lines]) + "\n", "utf-8")
    return tmp_path / "brisque_svm_weights.pt", tmp_path / "allmodel"


def piq_brisque(image, monkeypatch, coefficients, vectors):
    load = lambda *_, **__: (coefficients.double(), vectors.double().clone())  # noqa: E731
    monkeypatch.setattr(sys.modules["piq.brisque"], "load_url", load)
    return piq.brisque(image.double(), data_range=1.0, reduction="none")


def test_brisque_is_that_of_piq(photos, regression_files, monkeypatch):
    grey = [gray_levels(photo).expand(-1, 3, -1, -1) / 255 for photo in photos]
    coefficients, vectors = torch.load(regression_files[0])
    for image in grey:
        expected = piq_brisque(image, monkeypatch, coefficients, vectors)
        for file in regression_files:
            score = create_metric("brisque", weights=file)(image)
            torch.testing.assert_close(score, expected[0].float(), rtol=1e-5, atol=1e-3)


def test_brisque_with_the_published_regression(photo, shared, monkeypatch):
    file = shared / "weights" / "brisque_allmodel.libsvm.txt"
    regression = load_regression(file)
    assert len(regression.vectors) == 774
    assert (regression.gamma, regression.rho) == (0.05, -153.591)  # what piq has in its code
    image = gray_levels(photo).expand(-1, 3, -1, -1) / 255
    columns = regression.coefficients[:, None], regression.vectors
    expected = piq_brisque(image, monkeypatch, *columns)
    metric = create_metric("brisque", weights=file)
    assert float(metric(image)) == pytest.approx(float(expected), abs=1e-4)
    assert float(metric(_noisy(photo, 0.1))) > float(metric(photo)) + 10
    ranges = np.loadtxt(shared / "weights" / "brisque_allrange.txt", skiprows=2)[:, 1:]
    scale = sys.modules["piq.brisque"]._scale_features
    ends = scale(torch.from_numpy(ranges.T.copy()))
    torch.testing.assert_close(ends, torch.tensor([[-1.0], [1.0]]).expand(2, 36).double(),
                               rtol=0, atol=1e-6)  # fmt: skip


def test_batches_give_what_single_images_do(photo, regression_files):
    images = torch.cat([photo, _noisy(photo, 0.1)])
    for metric in (
        create_metric("niqe-bsds"),
        create_metric("brisque", weights=regression_files[0]),
    ):
        alone = torch.cat([metric(image) for image in images])
        torch.testing.assert_close(metric(images), alone, rtol=1e-6, atol=1e-6)


def test_gray_levels_are_whole_and_ties_go_up():
    pixels = torch.tensor([[0, 0, 0], [255, 255, 255], [10, 20, 30], [0, 0, 250], [1, 0, 113]])
    batch = (pixels / 255).T.reshape(1, 3, 1, 5)
    # 250 * .114 = 28.5 lies half-way; the last is 13.181.
    assert gray_levels(batch).flatten().tolist() == [0, 255, 18, 29, 13]


def test_images_without_statistics_are_named(regression_files):
    for metric in (
        create_metric("niqe-bsds"),
        create_metric("brisque", weights=regression_files[0]),
    ):
        with pytest.raises(ImageError, match=f"{metric.name}: "):
            metric(torch.full((1, 3, 120, 120), 0.5))
    with pytest.raises(ImageError, match="of 120x95 pixels hold no block of 96x96"):
        create_metric("niqe-bsds")(torch.rand(1, 3, 95, 120))


def test_files_that_are_something_else(tmp_path, matlab_model):
    with pytest.raises(MetricError, match=r"weights=niqe_modelparameters\.mat.*niqe-bsds"):
        create_metric("niqe")
    with pytest.raises(MetricError, match=r"brisque needs the regression.*weights=FILE"):
        create_metric("brisque")
    savemat(tmp_path / "other.mat", {"mu_prisparam": np.zeros(3)})
    with pytest.raises(WeightsError, match=r"other\.mat: expected mu_prisparam of 36 numbers"):
        create_metric("niqe", weights=tmp_path / "other.mat")
    (tmp_path / "broken.mat").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match=r"broken\.mat: cannot be read"):
        create_metric("niqe", weights=tmp_path / "broken.mat")
    for name in ("allmodel", "weights.pt", "absent.txt"):
        if name != "absent.txt":
            (tmp_path / name).write_text("rho 1\nSV\n")
        with pytest.raises(WeightsError, match=r"regression of BRISQUE|expected support vectors"):
            create_metric("brisque", weights=tmp_path / name)
    with pytest.raises(MetricError, match="give weights or head_weights, not both"):
        create_metric("niqe", weights=matlab_model[0], head_weights=matlab_model[0])
    with pytest.raises(MetricError, match="niqe-bsds has no network: precision cannot"):
        create_metric("niqe-bsds", precision="bfloat16")


def test_in_a_set_with_metrics_of_pairs(photo):
    scores = create_metrics(["niqe-bsds", "psnr"])(photo, _noisy(photo, 0.1))
    assert float(scores["niqe-bsds"]) == float(create_metric("niqe-bsds")(photo))


def _noisy(image, deviation):
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(1))
    return (image + deviation * noise).clamp(0, 1)
