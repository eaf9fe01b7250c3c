"""A trained network in one file, and what applies it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from snellen.backbones import read_safetensors, read_words
from snellen.errors import ImageError, TrainingError, WeightsError
from snellen.images import as_image_batch
from snellen.restoration._networks import build_network

_KIND = "restoration network"


class Restorer(nn.Module):
    """A trained restoration network; made by `load_restorer`.

    Parameters
    ----------
    network
        Takes an image batch and returns one.
    scale
        By how much it enlarges.
    manifest
        Where its weights came from.
    """

    def __init__(self, network: nn.Module, scale: int, manifest: Mapping[str, Any]) -> None:
        super().__init__()
        self.network, self.scale, self.manifest = network.eval(), scale, dict(manifest)

    def forward(self, image: Any, *, tile: int | None = None, overlap: int = 32) -> Tensor:
        """Restore images.

        Parameters
        ----------
        image
            Anything that `snellen.images.as_image_batch` takes.
        tile
            Pixels along a side of the parts that go through the network one by one, so that memory
            hardly depends on the size of the image; None takes it whole.
        overlap
            Pixels around a tile that the network sees as well.

        Returns
        -------
        Tensor
            (N, 3, scale * H, scale * W), in [0, 1] by steps of 1/255, as a file would hold it.

        Raises
        ------
        ImageError
            The image cannot be read, the network cannot take its size, or the tiles are none.

        Notes
        -----
        Tiles give the same image as the whole only where `overlap` covers all that an output pixel
        sees: for VDSR, a pixel of the result for each layer and two of the image for the
        enlargement. A network that pools over the whole image, as NAFNet does, pools over the tile
        instead.
        """
        batch = as_image_batch(image)
        if tile is None:
            return self._restored(batch)
        if tile < 1 or overlap < 0:
            raise ImageError(
                "expected a tile of 1 pixel or more and no negative overlap; got "
                f"{tile} and {overlap}."
            )
        height, width = batch.shape[2:]
        result = torch.empty(*batch.shape[:2], height * self.scale, width * self.scale)
        for rows in _spans(height, tile, overlap):
            for columns in _spans(width, tile, overlap):
                seen = batch[:, :, rows.seen, columns.seen]
                restored = self._restored(seen)
                place = rows.enlarged(self.scale), columns.enlarged(self.scale)
                own = rows.owned(self.scale), columns.owned(self.scale)
                result[:, :, *place] = restored[:, :, *own].cpu()
        return result

    def _restored(self, batch: Tensor) -> Tensor:
        batch = batch.to(next(self.network.parameters()).device)
        with torch.inference_mode():
            try:
                restored = self.network(batch).float()
            except (RuntimeError, ValueError) as error:
                if isinstance(error, torch.OutOfMemoryError):
                    raise
                raise ImageError(
                    f"the network cannot restore {batch.shape[3]}x{batch.shape[2]} pixels: {error}"
                ) from error
        if not bool(restored.isfinite().all()):
            raise ImageError("the network gave values that are not finite.")
        levels: Tensor = (restored.clamp(0, 1) * 255).round().clone()
        return levels / 255


class _Span(NamedTuple):
    """A part of one axis: what a tile owns, and what the network sees of it."""

    start: int
    stop: int
    seen: slice

    def enlarged(self, scale: int) -> slice:
        return slice(self.start * scale, self.stop * scale)

    def owned(self, scale: int) -> slice:
        first = self.seen.start
        return slice((self.start - first) * scale, (self.stop - first) * scale)


def _spans(length: int, tile: int, overlap: int) -> list[_Span]:
    spans = []
    for start in range(0, length, tile):
        stop = min(start + tile, length)
        seen = slice(max(0, start - overlap), min(length, stop + overlap))
        spans.append(_Span(start, stop, seen))
    return spans


def save_restorer(
    path: Path, network: nn.Module, *, name: str, options: Mapping[str, Any], scale: int,
    manifest: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write a network and what it takes to build it again.

    Parameters
    ----------
    path
        A ``.safetensors`` file.
    network
        Made by `build_network`.
    name, options, scale
        Of `build_network`.
    manifest
        Where the weights came from, as plain values.
    """
    state = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    built = {"name": name, "options": dict(options), "scale": scale, "manifest": dict(manifest)}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, path, metadata={"snellen": _KIND, "network": json.dumps(built)})


def load_restorer(path: str | Path, device: str | torch.device = "cpu") -> Restorer:
    """Load a network that `snellen train` has written.

    Parameters
    ----------
    path
        ``network.safetensors`` of a run.
    device
        Where it computes.

    Returns
    -------
    Restorer
        Takes images.

    Raises
    ------
    WeightsError
        The file is missing, or holds something else.
    TrainingError
        The library of the network is missing.
    """
    path = Path(path)
    metadata, state = read_safetensors(path, "a restoration network")
    if metadata.get("snellen") != _KIND:
        raise WeightsError(
            f"{path}: expected the network.safetensors that `snellen train` writes; found other "
            "tensors."
        )
    built = _built(metadata, path)
    network = build_network(built["name"], built["options"], scale=built["scale"])
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise TrainingError(
            f"{path}: the weights do not fit {built['name']} as it is built here: {error}"
        ) from error
    return Restorer(network, built["scale"], built["manifest"]).to(device)


def _built(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    """Read how a network was built: the arguments of `build_network`, and its manifest."""
    built = read_words(metadata, "network", path, "a restoration network")
    kinds = {"name": str, "options": dict, "scale": int, "manifest": dict}
    for key, kind in kinds.items():
        if type(built.get(key)) is not kind or built[key] == 0:
            raise WeightsError(
                f"{path}: cannot be read as a restoration network: its {key!r} is "
                f"{built.get(key)!r:.80}, expected what `snellen train` writes."
            )
    return built
