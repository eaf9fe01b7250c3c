"""Networks: VDSR as published, others by name, and files that bring them back."""

from importlib.util import find_spec

import pytest
import torch

from snellen.errors import ImageError, TrainingError, WeightsError
from snellen.restoration import VDSR, build_network, load_restorer, save_restorer

needs_spandrel = pytest.mark.skipif(
    find_spec("spandrel") is None, reason="spandrel is not installed: it comes with snellen[train]"
)


def test_vdsr_has_the_published_number_of_weights():
    network = VDSR(scale=4, channels=1)
    weights = sum(p.numel() for name, p in network.named_parameters() if "weight" in name)
    assert weights == 664_704  # the paper says 665k; 18 * 64 * 64 * 9 + ...
    assert sum(p.numel() for p in network.parameters()) == weights + 19 * 64 + 1


def test_luma_alone_leaves_the_colours(photos):
    network = VDSR(depth=3, width=4, channels=1)
    torch.nn.init.normal_(network.body[-1].weight)
    image = photos[0][..., :32, :32]
    change = (network(image) - image).detach()
    assert change.abs().max() > 0.01
    torch.testing.assert_close(change, change[:, :1].expand(-1, 3, -1, -1), rtol=0, atol=1e-5)


def test_training_starts_from_the_bicubic_image(photos):
    image = photos[0][..., :20, :24]
    expected = torch.nn.functional.interpolate(image, scale_factor=4, mode="bicubic",
                                               antialias=True)  # fmt: skip
    torch.testing.assert_close(VDSR(scale=4)(image), expected)


def restorer(tmp_path, **options):
    torch.manual_seed(0)
    network = VDSR(**options)
    torch.nn.init.normal_(network.body[-1].weight, std=0.1)
    given = {name: value for name, value in options.items() if name != "scale"}
    save_restorer(tmp_path / "n.safetensors", network, name="vdsr", scale=network.scale,
                  options=given, manifest={})  # fmt: skip
    return load_restorer(tmp_path / "n.safetensors")


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("tile", [7, 16, 50])
def test_tiles_are_the_whole_image_if_they_overlap_enough(photos, tmp_path, scale, tile):
    network = restorer(tmp_path, scale=scale, depth=4, width=4)
    image = photos[0][..., :41, :50]
    whole = network(image)
    tiled = network(image, tile=tile, overlap=6)
    assert tiled.shape == whole.shape == (1, 3, 41 * scale, 50 * scale)
    torch.testing.assert_close(tiled, whole, rtol=0, atol=1.01 / 255)  # a level, by rounding
    assert (tiled == whole).float().mean() > 0.999
    assert (network(image, tile=tile, overlap=0) != whole).any() == (tile < 50)


def test_tiles_must_be_there(photos, tmp_path):
    network = restorer(tmp_path, depth=2, width=2)
    for tile, overlap in [(0, 4), (-3, 4), (8, -1)]:
        with pytest.raises(ImageError, match="tile of 1 pixel"):
            network(photos[0], tile=tile, overlap=overlap)


@needs_spandrel
def test_networks_of_spandrel_by_name():
    options = {"width": 4, "middle_blk_num": 1, "enc_blk_nums": [1], "dec_blk_nums": [1]}
    x = torch.rand(1, 3, 16, 24)
    assert build_network("NAFNet", options)(x).shape == x.shape
    assert build_network("NAFNet", options, scale=2)(x).shape == (1, 3, 32, 48)
    with pytest.raises(TrainingError, match="enlarges by 2"):
        build_network("SPAN", {"num_in_ch": 3, "num_out_ch": 3, "upscale": 2}, scale=4)


@needs_spandrel
@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("NAFnet", {}, "No network is called"),
        ("vdsr", {"deep": 3}, "deep"),
        ("vdsr", {"depth": 1}, "depth"),
        ("NAFNet", {"wide": 3}, "wide"),
    ],
)
def test_errors_name_what_there_is(name, options, match):
    with pytest.raises(TrainingError, match=match):
        build_network(name, options)


def test_restormer_says_where_it_is():
    if find_spec("spandrel_extra_arches") is None:
        with pytest.raises(TrainingError, match="restricted licence"):
            build_network("Restormer", {})
    else:
        assert build_network("Restormer", {"dim": 8})(torch.rand(1, 3, 16, 16)).shape[-1] == 16


def test_a_network_comes_back_from_its_file(tmp_path):
    network = build_network("vdsr", {"depth": 3, "width": 4}, scale=2)
    torch.nn.init.normal_(network.body[-1].weight)
    path = tmp_path / "network.safetensors"
    save_restorer(
        path, network, name="vdsr", options={"depth": 3, "width": 4}, scale=2, manifest={"a": 1}
    )
    restorer = load_restorer(path)
    image = torch.rand(2, 3, 8, 9)
    got = restorer(image)
    assert got.shape == (2, 3, 16, 18)
    assert restorer.manifest == {"a": 1}
    expected = (network(image).clamp(0, 1) * 255).round() / 255
    torch.testing.assert_close(got, expected.detach(), rtol=0, atol=0)
    with torch.no_grad():
        restorer.network.body[0].weight.fill_(float("nan"))
    with pytest.raises(ImageError, match="not finite"):
        restorer(image)


def test_other_files_are_refused(tmp_path):
    from safetensors.torch import save_file

    with pytest.raises(WeightsError, match="cannot be read as a restoration network: No such file"):
        load_restorer(tmp_path / "missing.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="snellen train"):
        load_restorer(tmp_path / "other.safetensors")
