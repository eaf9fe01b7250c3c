from dataclasses import replace

import numpy as np
import pytest
import torch

from snellen import exam
from snellen.agreement import Resampling
from snellen.backbones import create_backbone
from snellen.datasets import load_dataset
from snellen.distortions import find_distortion
from snellen.errors import BackboneError, DatasetError, MetricError
from snellen.images import read_image

from .conftest import save, tiny

FEW = Resampling(resamples=50)
KINDS = ("brighter", "noise", "red")
CONTENTS = 4


def distort(kind, level, reference, rng):
    if kind == "noise":
        return reference + rng.normal(0, 12 * level, reference.shape)
    return reference + 15 * level * np.array([1, 1, 1] if kind == "brighter" else [1, 0, 0])


@pytest.fixture
def typed(tmp_path):
    """Four references under three types of three levels that are plain to tell apart."""
    rng = np.random.default_rng(5)
    lines = ["# higher_better: true", "image,reference,type,level,score"]
    for content in range(CONTENTS):
        reference = rng.integers(60, 170, (6, 8, 3)).repeat(4, 0).repeat(4, 1)
        save(tmp_path / f"r{content}.png", reference)
        for kind in KINDS:
            for level in (1, 2, 3):
                name = f"{kind}{content}{level}.png"
                save(tmp_path / name, distort(kind, level, reference, rng))
                lines.append(f"{name},r{content}.png,{kind},{level},{5 - level}")
    path = tmp_path / "typed.csv"
    path.write_text("\n".join([*lines[:2], *rng.permutation(lines[2:])]) + "\n")
    return load_dataset("typed", path)


def examine(backbone, data, **options):
    return exam.separability(backbone, data, resampling=FEW, **options)


@pytest.mark.parametrize("side_by_side", [False, True])
def test_descriptors_are_means_and_deviations_of_channels(backbone, typed, side_by_side, request):
    if side_by_side:
        request.getfixturevalue("four_threads")
    found = examine(backbone, typed, components=2).descriptors[backbone.name]
    for i in range(0, len(typed), 7):
        batches = [read_image(path[i])[None] for path in (typed.image, typed.reference)]
        with torch.no_grad():
            own, other = ({"input": b, **backbone(b)} for b in batches)
        for layer in found.layers:
            x, y = (f[layer].double() for f in (own, other))
            expected = torch.cat([x.mean((2, 3)), x.std((2, 3), correction=0)], 1)
            np.testing.assert_allclose(
                found.vectors(layer, "mean-std")[i], expected[0], rtol=1e-4, atol=1e-6
            )
            gap = (x.mean((2, 3)) - y.mean((2, 3)))[0]
            vector = found.vectors(layer, "mean", difference=True)[i]
            np.testing.assert_allclose(vector, gap, atol=1e-6)
            np.testing.assert_allclose(
                found.vectors(layer, "std")[i], expected[0, len(gap) :], 1e-4
            )


def test_plain_types_are_told_apart_with_the_reference_and_hardly_without(backbone, typed):
    found = examine(backbone, typed, components=8)
    row = found.best(difference=True, normalize="z-score")
    assert row["accuracy"] > 0.9
    without, given = (
        found.best(difference=one, layer="input", pooling="mean")["accuracy"]
        for one in (False, True)
    )
    assert given > without
    assert row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"]
    assert row["accuracy"] == pytest.approx(
        np.mean([row[f"accuracy_level_{level}"] for level in (1, 2, 3)])
    )
    assert row["chance"] == pytest.approx(1 / 3)
    assert row["level_chance"] == pytest.approx(1 / 3)
    assert row["level_within_one_chance"] == 1
    assert row["level_accuracy"] <= row["level_within_one"] <= 1
    assert (row["contents"], row["types"], row["images"]) == (CONTENTS, 3, len(typed))


def test_every_combination_of_options_has_a_row_per_layer(backbone, typed):
    options = {
        "poolings": ["mean", "std", "mean-std"],
        "difference": [False, True],
        "normalize": ["none", "l2"],
        "components": [2, 4],
        "neighbors": [1, 3],
    }
    quick = Resampling(resamples=0)
    found = exam.separability(
        backbone, typed, layers=["conv1", "input"], resampling=quick, **options
    )
    keys = [
        tuple(row[k] for k in ("pooling", "difference", "normalize", "components", "neighbors"))
        for row in found.rows
        if row["layer"] == "conv1"
    ]
    assert len(found.rows) == 2 * len(keys) == 2 * 3 * 2 * 2 * 2 * 2
    assert len(set(keys)) == len(keys)
    assert found.to_table().num_rows == len(found.rows)
    assert found.manifest()["options"] == {
        ("pooling" if k == "poolings" else k): v for k, v in options.items()
    }
    inputs = [row for row in found.rows if row["layer"] == "input" and row["components"] == 4]
    assert {row["dimensions"] for row in inputs if row["pooling"] == "mean"} == {3}


def test_indices_do_not_depend_on_neighbors_nor_one_option_on_the_others(backbone, typed):
    together = examine(backbone, typed, neighbors=[1, 3], components=[2, 5])
    alone = examine(backbone, typed, neighbors=3, components=5, poolings="mean")
    for row in alone.rows:
        where = {k: row[k] for k in ("layer", "pooling", "difference", "components", "neighbors")}
        assert together.best(**where) == {
            name: pytest.approx(value) if isinstance(value, float) else value
            for name, value in row.items()
        }


def test_confusion_counts_every_image_once(backbone, typed):
    found = examine(backbone, typed, components=4)
    row = found.best(backbone.name)
    confusion = found.confusion(row)
    assert confusion.types == KINDS
    assert confusion.counts.sum(1).tolist() == [12, 12, 12]
    assert np.trace(confusion.counts) / 36 == pytest.approx(row["accuracy"])
    assert confusion.rows()[1]["type"] == "noise"
    assert found.confusion().counts.tolist() == found.confusion(found.best()).counts.tolist()


def test_pairs_name_the_layer_that_no_other_beats(backbone, typed):
    found = examine(backbone, typed, components=4, poolings="mean")
    row = found.best()
    for by in ("accuracy", "silhouette"):
        pairs = found.pairs(row, by=by)
        assert [(one["type"], one["other"]) for one in pairs] == [
            ("brighter", "noise"), ("brighter", "red"), ("noise", "red")
        ]  # fmt: skip
        for one in pairs:
            a, b = (KINDS.index(one[k]) for k in ("type", "other"))
            values = {
                outcome.row["layer"]: getattr(outcome, by)[a, b]
                for outcome in found.outcomes
                if outcome.row["difference"] == row["difference"]
            }
            assert one[by] == pytest.approx(max(values.values()))
            assert values[one["layer"]] == max(values.values())
            assert one["equals"] == sum(v == max(values.values()) for v in values.values())


def test_a_projection_keeps_what_two_components_hold(backbone, typed):
    found = examine(backbone, typed, components=[2, 4])
    row = found.best(layer="conv2", pooling="mean", difference=True)
    projection = found.projection(row)
    x = found.descriptors[backbone.name].vectors("conv2", "mean", difference=True)
    z = (x - x.mean(0)) / x.std(0)
    expected = np.linalg.svd(z - z.mean(0), full_matrices=False)[1][:2] ** 2
    np.testing.assert_allclose((projection.points**2).sum(0), expected, rtol=1e-4)
    shares = expected / (z**2).sum()
    assert projection.explained == pytest.approx(tuple(shares), rel=1e-4)
    assert projection.type.tolist() == typed.type.tolist()
    assert set(projection.rows()[0]) == {"type", "level", "content", "x", "y"}


def test_a_lead_is_a_paired_difference(backbone, typed):
    found = examine(backbone, typed, components=4)
    first, second = found.best(difference=True), found.best(difference=False)
    lead = found.lead(first, second, resampling=FEW)
    assert lead.value == pytest.approx(first["accuracy"] - second["accuracy"])
    assert lead.low <= lead.value <= lead.high
    assert found.lead(first, first) == (0, 0, 0)


def test_controls_and_labels_of_networks(typed):
    found = examine(
        "squeezenet1_1", typed, weights="random", controls="random", seeds=(1,),
        layers=["input", "conv1"], components=2, resize="64x64",
    )  # fmt: skip
    assert list(found.networks) == ["squeezenet1_1", "squeezenet1_1 random 1"]
    one, other = (found.best(label, layer="input", difference=True) for label in found.networks)
    assert one["accuracy"] == other["accuracy"]
    with pytest.raises(BackboneError, match="needs the network's name"):
        examine(tiny(), typed, controls="random")


def test_an_exam_goes_on_where_it_was(typed, tmp_path):
    seen = []
    folder = tmp_path / "checkpoint"
    first = examine(tiny(), typed, components=2, checkpoint=folder, progress=seen.append)
    assert sum(seen) == len(typed)
    files = sorted(folder.glob("*.npz"))
    assert len(files) == CONTENTS
    files[0].unlink()
    network = tiny()
    runs = count_runs(network)
    again = examine(network, typed, components=2, checkpoint=folder, progress=seen.append)
    assert len(runs) == 1 + len(typed) // CONTENTS + 1  # one reference's, and the probe
    assert sum(seen) == 2 * len(typed)
    assert again.rows == first.rows


def count_runs(network):
    runs, stream = [], network.stream
    network.stream = lambda *given: (runs.append(1), stream(*given))[1]
    return runs


def test_every_image_goes_through_the_network_once(backbone, typed):
    runs = count_runs(backbone)
    examine(backbone, typed, components=[2, 4], normalize=["none", "l2"])
    assert len(runs) == len(typed) + CONTENTS + 1


def test_images_without_levels_have_no_level_accuracy(backbone, typed, tmp_path):
    lines = (tmp_path / "typed.csv").read_text().splitlines()
    bare = [",".join([*line.split(",")[:3], line.split(",")[4]]) for line in lines[1:]]
    path = tmp_path / "bare.csv"
    path.write_text("\n".join([lines[0], *bare]) + "\n")
    found = examine(backbone, load_dataset("bare", path), components=2)
    row = found.best()
    assert np.isnan(row["level_accuracy"])
    assert np.isnan(row["level_chance"])
    assert row["accuracy"] == examine(backbone, typed, components=2).best()["accuracy"]
    assert not any(name.startswith("accuracy_level_") for name in row)


def test_a_level_without_order_counts_for_nothing(typed, backbone):
    graded = examine(backbone, typed, components=2)
    some = examine(backbone, replace(typed, unordered=frozenset({"red"})), components=2)
    assert some.best()["accuracy"] == graded.best()["accuracy"]
    right = [
        outcome.grades[(typed.type != "red")] == typed.level[typed.type != "red"] - 1
        for outcome in some.outcomes
    ]
    for outcome, own in zip(some.outcomes, right, strict=True):
        assert outcome.row["level_accuracy"] == pytest.approx(own.mean())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"poolings": "max"}, MetricError, "'max' does not exist; there are mean, std"),
        ({"normalize": "unit"}, MetricError, "'unit' does not exist; there are none"),
        ({"components": 0}, MetricError, "components=.0.: expected whole numbers from 1"),
        ({"neighbors": []}, MetricError, "neighbors=..: expected"),
        ({"neighbors": 28}, DatasetError, "neighbors=28, but .* only 27"),
        ({"layers": ["conv9"]}, BackboneError, "conv9"),
        ({"resize": "double"}, MetricError, "double"),
    ],
)
def test_wrong_options(backbone, typed, options, error, message):
    with pytest.raises(error, match=message):
        examine(backbone, typed, **options)


def test_data_has_to_have_types_and_contents(backbone, typed):
    with pytest.raises(DatasetError, match="at least two distortion types; found 'noise'"):
        examine(backbone, typed.subset(types=["noise"]))
    with pytest.raises(DatasetError, match="at least two contents; found 'r1'"):
        examine(backbone, typed.subset(references=["r1"]))


def test_an_image_without_a_type_is_named(backbone, dataset):
    with pytest.raises(DatasetError, match=r"d\d_\d.png has no distortion type"):
        examine(backbone, dataset)


def test_questions_that_an_exam_cannot_answer(backbone, typed):
    found = examine(backbone, typed, components=2, difference=True)
    with pytest.raises(MetricError, match="no row with difference=False"):
        found.best(difference=False)
    with pytest.raises(MetricError, match="accuracy or silhouette, not 'depth'"):
        found.pairs(by="depth")
    for question in (found.confusion, found.projection, found.pairs):
        with pytest.raises(MetricError, match="no row"):
            question(found.best() | {"components": 99})


class TestSyntheticSet:
    @pytest.fixture
    def folder(self, tmp_path):
        rng = np.random.default_rng(2)
        for i in range(3):
            save(
                tmp_path / f"photo{i}.png",
                rng.integers(30, 220, (9, 11, 3)).repeat(5, 0).repeat(5, 1),
            )
        return tmp_path

    def test_labels_and_pixels_agree(self, folder):
        data = exam.synthetic_set(
            folder, ["white-noise", "contrast", "gaussian-blur"], levels=[2, 4], crop=32
        )
        labels = data.labelled()
        assert len(data) == len(labels) == 18
        kinds = ["white-noise"] * 2 + ["contrast"] * 2 + ["gaussian-blur"] * 2
        assert labels.type.tolist() == kinds * 3
        # The levels of contrast go both ways.
        np.testing.assert_array_equal(labels.severity[:6], [2, 4, np.nan, np.nan, 2, 4])
        group = list(labels.groups())[1]
        assert group.positions == [6, 7, 8, 9, 10, 11]
        reference, *images = group.read()
        whole = read_image(folder / "photo1.png")
        assert torch.equal(reference[0], whole[:, 6:38, 11:43])
        blurred = find_distortion("gaussian-blur")(reference, 4)
        assert (images[5] - blurred).abs().max() <= 0.5 / 255 + 1e-6
        for image in images:
            assert image.shape == (1, 3, 32, 32)
            assert torch.equal((image * 255).round() / 255, image)

    def test_every_image_has_noise_of_its_own_that_comes_again(self, folder):
        save(folder / "photo1.png", np.full((45, 55, 3), 128.0))
        save(folder / "photo2.png", np.full((45, 56, 3), 128.0))

        def noise(data, i):
            return [list(g.read())[1] for g in data.labelled().groups()][i]

        data = exam.synthetic_set(folder, ["white-noise"], crop=40)
        assert torch.equal(noise(data, 1), noise(data, 1))
        assert not torch.equal(noise(data, 1), noise(data, 2))
        fewer = exam.synthetic_set([folder / "photo2.png"], ["white-noise"], crop=40)
        assert torch.equal(noise(fewer, 0), noise(data, 2))
        other = exam.synthetic_set(folder, ["white-noise"], crop=40, seed=1)
        assert not torch.equal(noise(other, 1), noise(data, 1))

    def test_it_can_be_examined_and_goes_on_with_more_images(self, folder, backbone, tmp_path):
        kinds = ["white-noise", "brighten", "saturation-hsv"]
        options = {"components": 8, "checkpoint": tmp_path / "checkpoint", "difference": True}
        some = exam.synthetic_set(sorted(folder.glob("*.png"))[:2], kinds, crop=40)
        examine(backbone, some, **options)
        runs = count_runs(backbone)
        found = examine(backbone, exam.synthetic_set(folder, kinds, crop=40), **options)
        assert len(runs) == 1 + 15 + 1  # the third image, and the probe
        assert found.best()["accuracy"] > 0.6
        manifest = found.manifest()["data"]
        assert manifest["files"] == ["photo0.png", "photo1.png", "photo2.png"]
        assert manifest["types"]["brighten"] == list(find_distortion("brighten").levels)

    def test_the_types_of_kadid_by_default(self, folder):
        data = exam.synthetic_set(folder, crop=None)
        assert len({kind.name for kind in data.types}) == 25
        assert len(data) == 3 * 25 * 5

    def test_images_of_one_name_in_two_folders_stay_apart(self, folder):
        (folder / "more").mkdir()
        save(folder / "more" / "photo1.png", np.full((40, 40, 3), 9.0))
        labels = exam.synthetic_set(folder, ["jpeg"], crop=40).labelled()
        assert len(set(labels.content.tolist())) == 4

    def test_wrong_sets(self, folder, tmp_path):
        with pytest.raises(DatasetError, match="expected images, each once; found none"):
            exam.synthetic_set([], ["jpeg"])
        with pytest.raises(DatasetError, match="types, each once; found one twice among jpeg"):
            exam.synthetic_set(folder, ["jpeg", "jpeg"])
        with pytest.raises(ValueError, match="level 9"):
            exam.synthetic_set(folder, ["jpeg"], levels=[9])
        with pytest.raises(ValueError, match="'jpeeg'"):
            exam.synthetic_set(folder, ["jpeeg"])
        small = exam.synthetic_set(folder, ["jpeg", "jpeg2000"], crop=400)
        with pytest.raises(ValueError, match=r"photo0.png is 55x45 pixels, smaller than .* 400"):
            examine(create_backbone("gabor"), small)
