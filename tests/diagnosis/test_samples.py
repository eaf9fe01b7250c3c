import numpy as np
import pytest
import torch
from PIL import Image

from snellen.backbones import create_backbone
from snellen.diagnosis import Draw, Examples, findings_of, make_examples
from snellen.distortions import create_distortion, find_distortion, list_distortions
from snellen.errors import DistortionError, ImageError
from tests.diagnosis.inside import samples_of

TYPES = [find_distortion(name) for name in ("gaussian-blur", "jpeg", "white-noise", "brighten")]


@pytest.fixture
def files(photos, tmp_path):
    paths = []
    for i, photo in enumerate(photos[:2]):
        pixels = (photo[0].permute(1, 2, 0) * 255).round().byte().numpy()
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def test_samples_are_what_their_specification_says(files):
    for group in samples_of(files[0], list_distortions(), Draw(2, 3, 2), (5,)):
        clean, *others = group
        assert clean.spec == ""
        assert clean.findings == ()
        assert [sample.spec.count("+") for sample in others] == [0, 0, 0, 1, 1]
        for sample in group:
            assert sample.image.shape == clean.image.shape
            assert torch.equal((sample.image * 255).round() / 255, sample.image)
        for sample in others[:3]:
            change = float((sample.image - clean.image).square().mean().sqrt()) * 255
            assert bool(sample.findings) == (change >= 1)
        for sample in others[3:]:
            steps = [step.split(":") for step in sample.spec.split("+")]
            possible = [findings_of(find_distortion(name), int(level)) for name, level in steps]
            families = [{one.family for one in findings} for findings in possible]
            assert {one.family for one in sample.findings} <= families[0] | families[1]
            assert families[0] != families[1]


def test_a_distortion_that_does_not_depend_on_the_seed_can_be_made_again(files):
    (group,) = samples_of(files[0], TYPES[:2], Draw(1, 4, 0), (1,))
    for sample in group[1:]:
        again = create_distortion(sample.spec)(group[0].image)
        assert torch.equal((again * 255).round() / 255, sample.image)


def test_same_seed_same_samples_whatever_else_there_is(files):
    first, again, other = (
        list(samples_of(files[0], TYPES, Draw(1, 3, 1), seed)) for seed in ((1, 0), (1, 0), (2, 0))
    )
    for a, b in zip(first[0], again[0], strict=True):
        assert a.spec == b.spec
        assert torch.equal(a.image, b.image)
    assert [s.spec for s in first[0]] != [s.spec for s in other[0]]


def test_examples_hold_their_references_and_come_back_from_a_file(files, tmp_path):
    backbone = create_backbone("gabor")
    told = []
    examples = make_examples(
        backbone, files, TYPES, draw=Draw(1, 2, 1), seed=3, progress=lambda: told.append(1)
    )
    assert len(told) == 2
    assert len(examples) == 8
    assert examples.families == ("blur", "jpeg", "noise", "brighten")
    clean = [i for i, spec in enumerate(examples.specs) if not spec]
    assert examples.contents[clean].tolist() == [0, 1]
    np.testing.assert_array_equal(examples.images[clean], examples.references[clean])
    assert not examples.present[clean].any()
    examples.save(tmp_path / "deep" / "e.npz")
    again = Examples.load(tmp_path / "deep" / "e.npz")
    np.testing.assert_array_equal(again.images, examples.images)
    assert (again.specs, again.families, again.facts) == (
        examples.specs,
        examples.families,
        examples.facts,
    )


def made_up(present, types=("a", "b", "c"), images=("x", "y", "z")):
    severities = np.array(present, dtype=np.float32) * 2
    n = len(severities)
    facts = {
        "backbone": 1,
        "layers": [],
        "types": list(types),
        "made": [{"seed": 0}],
        "images": list(images),
    }
    return Examples(
        np.arange(n, dtype=np.float32)[:, None],
        np.zeros((n, 1), np.float32),
        severities,
        np.arange(n) // 2,
        tuple(map(str, range(n))),
        tuple(types),
        facts,
    )


def test_families_that_are_left_out_leave_no_trace():
    examples = made_up([[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 0, 1], [0, 0, 0]])
    rest = examples.without(["a"])
    assert rest.families == ("b", "c")
    assert rest.specs == ("1", "3", "4")
    assert rest.severities.tolist() == [[2, 0], [0, 2], [0, 0]]


def test_joined_examples_keep_their_contents_apart():
    examples = made_up([[1, 0, 0], [0, 1, 0], [0, 0, 0]])
    joined = examples.joined(made_up([[0, 0, 1]] * 4, images=("z", "y")))
    # Rows 0 and 1 are of the first image, row 2 of the second; then two of "z", two of "y".
    assert joined.contents.tolist() == [0, 0, 1, 2, 2, 1, 1]
    assert joined.facts["images"] == ["x", "y", "z"]
    assert len(joined.specs) == len(joined.images) == len(joined.severities) == 7
    with pytest.raises(DistortionError, match="types differ"):
        examples.joined(made_up([[1]], types=("a",)))


def test_no_images_and_tiny_images_are_refused(tmp_path):
    backbone = create_backbone("gabor")
    with pytest.raises(ImageError, match="at least one file"):
        make_examples(backbone, [])
    small = tmp_path / "small.png"
    Image.new("RGB", (20, 90)).save(small)
    with pytest.raises(ImageError, match=r"small\.png: less than 32 pixels"):
        make_examples(backbone, [small], TYPES)
