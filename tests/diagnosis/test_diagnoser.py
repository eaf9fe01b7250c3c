import math
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from snellen.backbones import create_backbone, file_sha256
from snellen.diagnosis import (
    CLEAN,
    UNKNOWN,
    Candidate,
    Diagnosis,
    Draw,
    Recipe,
    create_diagnoser,
    fit_diagnoser,
    make_examples,
)
from snellen.distortions import distort, find_distortion
from snellen.errors import DistortionError, ImageError, WeightsError

ROOT = Path(__file__).resolve().parents[2]
TYPES = [find_distortion(name) for name in ("gaussian-blur", "jpeg", "white-noise", "darken")]


def write(photo, path):
    pixels = (photo[0].permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A diagnoser of four types, fitted to smooth random pictures."""
    folder = tmp_path_factory.mktemp("pristine")
    generator = torch.Generator().manual_seed(0)
    paths = []
    for i in range(5):
        coarse = torch.rand(1, 3, 12, 15, generator=generator)
        fine = torch.rand(1, 3, 48, 60, generator=generator)
        picture = sum(
            weight * torch.nn.functional.interpolate(x, (144, 176), mode="bicubic")
            for weight, x in ((0.7, coarse), (0.3, fine))
        )
        paths.append(write(picture.clamp(0.02, 0.98), folder / f"{i}.png"))
    examples = make_examples(create_backbone("gabor"), paths, TYPES, draw=Draw(2, 6, 1))
    diagnoser = fit_diagnoser("gabor", examples, recipe=Recipe(epochs=60, batch=32))
    return diagnoser, examples, paths


@pytest.fixture(scope="module")
def shipped():
    return create_diagnoser("gabor")


def test_a_fit_finds_what_it_was_fitted_to(small):
    diagnoser, examples, _ = small
    single = examples.present.sum(1) == 1
    for references in (None, examples.references[single]):
        read = diagnoser.read(examples.images[single], references)
        truth = [examples.families[i] for i in examples.severities[single].argmax(1)]
        right = [d.candidates[0].family == name for d, name in zip(read, truth, strict=True)]
        assert np.mean(right) > 0.8


def test_same_seed_same_diagnoser_and_the_file_gives_it_back(small, tmp_path):
    diagnoser, examples, _ = small
    again = fit_diagnoser("gabor", examples, recipe=Recipe(epochs=60, batch=32))
    assert again.manifest() == diagnoser.manifest()
    diagnoser.save(tmp_path / "deep" / "d.safetensors")
    loaded = create_diagnoser(tmp_path / "deep" / "d.safetensors")
    assert loaded.manifest() == diagnoser.manifest()
    assert loaded.read(examples.images) == diagnoser.read(examples.images)
    assert loaded.read(examples.images, examples.references) == diagnoser.read(
        examples.images, examples.references
    )


def test_fitting_leaves_the_random_state_alone(small):
    _, examples, _ = small
    before = torch.get_rng_state()
    fit_diagnoser("gabor", examples, recipe=Recipe(epochs=1))
    assert torch.equal(torch.get_rng_state(), before)


def test_one_image_is_too_little_to_calibrate_on(small):
    _, examples, paths = small
    with pytest.raises(ImageError, match="at least two pristine images"):
        fit_diagnoser("gabor", examples.where(examples.contents == 0))
    with pytest.raises(ImageError, match="at least two pristine images"):
        fit_diagnoser("gabor", paths[:1], TYPES, draw=Draw(1, 1, 0))


def test_other_networks_are_found_again_or_refused(small, tmp_path):
    _, _, paths = small
    torch.manual_seed(3)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 6, 5, stride=2), torch.nn.ReLU(), torch.nn.Conv2d(6, 8, 3)
    )
    backbone = create_backbone(network)
    fitted = fit_diagnoser(backbone, paths, TYPES, draw=Draw(1, 3, 0), recipe=Recipe(epochs=2))
    fitted.save(tmp_path / "own.safetensors")
    loaded = create_diagnoser(tmp_path / "own.safetensors", backbone=backbone)
    image = torch.rand(1, 3, 40, 50)
    assert loaded(image) == fitted(image)
    with pytest.raises(WeightsError, match="cannot be made by name"):
        create_diagnoser(tmp_path / "own.safetensors")
    with pytest.raises(WeightsError, match="was fitted with"):
        create_diagnoser(tmp_path / "own.safetensors", backbone=create_backbone("gabor"))


def test_files_that_are_no_diagnoser_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="no such diagnoser: expected gabor"):
        create_diagnoser("gobar")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(WeightsError, match="cannot be read"):
        create_diagnoser(tmp_path / "text")
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="is no diagnoser"):
        create_diagnoser(tmp_path / "other.safetensors")
    text = '{"format": "snellen diagnoser 1"}'
    save_file({"a": torch.zeros(1)}, tmp_path / "part.safetensors", {"diagnoser": text})
    with pytest.raises(WeightsError, match="not whole"):
        create_diagnoser(tmp_path / "part.safetensors")


@pytest.mark.parametrize(
    ("spec", "family"),
    [
        ("white-noise:4", "noise"),
        ("gaussian-blur:4", "blur"),
        ("jpeg:4", "jpeg"),
        ("impulse-noise:4", "impulse-noise"),
        ("darken:4", "darken"),
        ("contrast-compression:3", "contrast-loss"),
    ],
)
def test_the_shipped_one_names_plain_distortions_of_photographs(shipped, photos, spec, family):
    firsts = []
    for photo in photos:
        (diagnosis,) = shipped(distort(photo, spec), photo)
        firsts.append(diagnosis.candidates[0])
    right = [one for one in firsts if one.family == family]
    assert len(right) >= 4
    level = int(spec[-1])
    assert np.median([abs(one.severity - level) for one in right]) <= 1


def test_the_shipped_one_tells_noise_blur_and_jpeg_without_the_reference(shipped, photos):
    for spec, family in (
        ("white-noise:5", "noise"),
        ("gaussian-blur:5", "blur"),
        ("jpeg:4", "jpeg"),
    ):
        found = [shipped(distort(photo, spec))[0].candidates[0].family for photo in photos]
        assert found.count(family) >= 4, (spec, found)


def test_an_image_equal_to_its_reference_is_clean(shipped, photos):
    verdicts = [shipped(photo, photo)[0].verdict for photo in photos]
    assert verdicts.count(CLEAN) >= 4


def test_an_image_has_the_same_diagnosis_in_any_batch(shipped, photos):
    batch = torch.cat([photo[..., :160, :170] for photo in photos])
    noisy = distort(batch, "white-noise:3")
    for together, image in zip(shipped(noisy, batch), zip(noisy, batch, strict=True), strict=True):
        (alone,) = shipped(*(x[None] for x in image))
        assert alone.candidates[0].family == together.candidates[0].family
        assert alone.confidence == pytest.approx(together.confidence, abs=1e-3)


def test_a_large_image_is_seen_through_crops_and_a_small_one_is_refused(shipped):
    generator = torch.Generator().manual_seed(0)
    wide = torch.rand(1, 3, 40, 1600, generator=generator)
    described = shipped.describe(wide)
    crops = [shipped.describe(wide[..., start : start + 512]) for start in (0, 544, 1088)]
    np.testing.assert_allclose(described, np.mean(crops, 0), rtol=1e-4, atol=1e-4)
    with pytest.raises(ImageError, match="32x32"):
        shipped(torch.rand(1, 3, 31, 64))
    assert shipped(torch.rand(1, 3, 32, 32))[0].verdict


def test_a_reference_of_another_size_is_refused(shipped):
    with pytest.raises(ImageError, match="64x40 pixels and 1 of 40x64"):
        shipped(torch.rand(1, 3, 40, 64), torch.rand(1, 3, 64, 40))


def test_without_limit_nothing_is_unknown_and_with_none_everything(photos):
    for limit, unknown in ((2.0, False), (0.0, True)):
        diagnoser = create_diagnoser(limit=limit)
        for photo in photos[:2]:
            (diagnosis,) = diagnoser(photo)
            assert (diagnosis.verdict == UNKNOWN) == unknown
            assert (len(diagnosis.found) == 0) == (diagnosis.verdict in (UNKNOWN, CLEAN))
            chances = [one.probability for one in diagnosis.candidates]
            assert chances == sorted(chances, reverse=True)


def test_rows_hold_plain_values():
    candidates = (Candidate("blur", 0.9, 3.4), Candidate("jpeg", 0.7, 5.4))
    diagnosis = Diagnosis("blur + jpeg", 0.8, candidates, candidates, 0.01, 0.2)
    row = diagnosis.to_row()
    assert row["verdict"] == "blur + jpeg"
    assert (row["type1"], row["severity1"], row["level1"]) == ("blur", 3.4, 3)
    assert (row["type2"], row["level2"]) == ("jpeg", 5)
    assert Candidate("x", 0, 0.5).level == 1
    assert "type2" not in diagnosis.to_row(candidates=1)
    assert all(isinstance(v, str | float | int) and v == v for v in row.values())


def test_the_shipped_file_is_small_and_the_one_that_the_page_describes(shipped):
    path = Path(str(files("snellen.diagnosis").joinpath("data/diagnoser-gabor.safetensors")))
    assert path.stat().st_size < 600_000
    page = (ROOT / "docs" / "diagnosis.md").read_text(encoding="utf-8")
    assert file_sha256(path) in re.findall(r"[0-9a-f]{64}", page)
    assert shipped.manifest()["sha256"] == file_sha256(path)
    assert all(math.isfinite(x) for x in shipped.alone.calibration.sums)


def test_a_family_must_not_read_as_a_verdict(small):
    _, examples, _ = small
    for name in (CLEAN, UNKNOWN, "blur + jpeg"):
        families = (name, *examples.families[1:])
        with pytest.raises(DistortionError, match="cannot be called"):
            fit_diagnoser("gabor", replace(examples, families=families))
