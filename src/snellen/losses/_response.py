"""How much features respond to a known degradation, in pixels or through text."""

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snellen.backbones import Backbone, create_backbone
from snellen.distortions import create_distortion
from snellen.errors import LossError
from snellen.losses._embedded import DEFAULT, stages
from snellen.losses._loss import widened
from snellen.metrics import PROMPTS
from snellen.readouts import Readout, create_readout

Degradation = Callable[[Tensor], Tensor]


class PixelResponse(nn.Module):
    """Distance of the features of an image and of the same image degraded further.

    Parameters
    ----------
    backbone
        Name of a network, or one made by `snellen.create_backbone`.
    layers
        Layers over which the distance is averaged; the last one of each scale that the embedded
        network has, by default.
    degradations
        ``"gaussian-blur@2"`` or ``"gaussian-blur:4"``: strengths and levels of
        `snellen.create_distortion`. Blur is differentiable; ``"white-noise"`` is added with the
        same seed at every call.
    weights
        Weights of the backbone, if it is given by name.
    readout
        Name of the readout, or a readout.
    seed
        Seed of the noise.

    Raises
    ------
    LossError
        A degradation is none of these, or no layers are named.
    """

    def __init__(
        self,
        backbone: str | Backbone = DEFAULT,
        layers: Sequence[str] | None = None,
        degradations: Sequence[str] = ("gaussian-blur@2",),
        *,
        weights: str | None = None,
        readout: str | Readout = "cosine",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if isinstance(backbone, Backbone):
            self.backbone = backbone
        else:
            self.backbone = create_backbone(backbone, weights)
        layers = stages(self.backbone) if layers is None else layers
        if not layers or isinstance(layers, str) or not degradations:
            raise LossError(
                f"expected a list of layers of {self.backbone.name} and a list of degradations; "
                f"got {layers!r} and {degradations!r}."
            )
        self.layers = tuple(self.backbone.layer(name).name for name in layers)
        self.degradations = {spec: differentiable(spec, seed) for spec in degradations}
        self.readout = create_readout(readout) if isinstance(readout, str) else readout

    def forward(self, batch: Tensor) -> dict[str, Tensor]:
        """Return the response (N,) to every degradation of an image batch in [0, 1]."""
        features = self.backbone(batch, self.layers)
        found = {}
        for spec, degrade in self.degradations.items():
            stream = self.backbone.stream(degrade(batch), self.layers)
            distances = [self.readout(features[name], g) for name, g in stream]
            found[spec] = torch.stack(distances).mean(0).to(batch.dtype)
        return found


class TextResponse(nn.Module):
    """Distance of an image's embedding and of the embedding moved towards a degraded text.

    Parameters
    ----------
    image_encoder
        Image batch (N, 3, H, W) in [0, 1] -> embeddings (N, D), not normalised; resizes and
        normalises images itself.
    directions
        By degradation: embedding of the degraded text minus that of the clean one, (D,); see
        `text_directions`.
    adapt
        Bring the direction to the mean and standard deviation of the image's embedding first, as
        published.

    References
    ----------
    Wu, Ni, Wang, Yang, Zhou, Wang: Deep Degradation Response for Flexible Image Descriptor.
    NeurIPS 2024. With `adapt`, the response is a function of the correlation of embedding and
    direction, and of the embedding's mean against its deviation.
    """

    def __init__(
        self,
        image_encoder: Callable[[Tensor], Tensor],
        directions: Mapping[str, Tensor],
        *,
        adapt: bool = True,
    ) -> None:
        super().__init__()
        if not directions or any(t.ndim != 1 for t in directions.values()):
            raise LossError("directions: expected a vector (D,) for at least one degradation.")
        self.image_encoder, self.adapt = image_encoder, adapt
        self.names = tuple(directions)
        stacked = torch.stack([direction.detach() for direction in directions.values()])
        self.register_buffer("directions", stacked, persistent=False)

    directions: Tensor

    def forward(self, batch: Tensor) -> dict[str, Tensor]:
        """Return the response (N,) to every degradation of an image batch in [0, 1]."""
        f = widened(self.image_encoder(batch))
        moves = self.directions.to(f)
        return {
            name: 1 - F.cosine_similarity(f, f + (adapted(move, f) if self.adapt else move))
            for name, move in zip(self.names, moves, strict=True)
        }


def text_directions(
    text_encoder: Callable[[list[str]], Tensor],
    prompts: Mapping[str, tuple[str, str]] = PROMPTS,
) -> dict[str, Tensor]:
    """Return the way from clean to degraded text, (D,), by degradation.

    Parameters
    ----------
    text_encoder
        Texts -> embeddings (len(texts), D), not normalised.
    prompts
        Clean and degraded text by degradation.
    """
    with torch.no_grad():
        pairs = {name: text_encoder([clean, bad]) for name, (clean, bad) in prompts.items()}
    return {name: embedded[1] - embedded[0] for name, embedded in pairs.items()}


def adapted(direction: Tensor, f: Tensor) -> Tensor:
    """Give a direction (D,) the mean and deviation of embeddings (N, D), as published."""
    standard = (direction - direction.mean()) / (direction.std() + 1e-3)
    return f.std(1, keepdim=True) * standard + f.mean(1, keepdim=True)


def differentiable(spec: str, seed: int = 0) -> Degradation:
    """Make a degradation through which gradients flow.

    Raises
    ------
    LossError
        It is neither ``gaussian-blur`` nor ``white-noise``.
    """
    steps = create_distortion(spec).steps
    kind = getattr(getattr(steps[0], "type", None), "name", None)
    if len(steps) > 1 or kind not in ("gaussian-blur", "white-noise"):
        raise LossError(
            f"{spec!r}: gradients flow through gaussian-blur and white-noise only; write "
            "gaussian-blur@SIGMA or white-noise@VARIANCE."
        )
    if kind == "white-noise":
        return lambda batch: _with_noise(batch, spec, seed)
    sigma = float(getattr(steps[0], "strength"))  # noqa: B009 - a pipeline step has none
    return lambda batch: _blurred(batch, sigma)


def _blurred(batch: Tensor, sigma: float) -> Tensor:
    """Blur as ``gaussian-blur`` does, by convolutions."""
    reach = max(1, -int(-2 * sigma // 1))
    at = torch.arange(-reach, reach + 1, device=batch.device, dtype=batch.dtype)
    taps = torch.exp(-at.square() / (2 * max(sigma, 1e-3) ** 2))
    taps = (taps / taps.sum()).expand(batch.shape[1], 1, 1, -1)
    rows = F.pad(batch, (reach, reach, reach, reach), mode="replicate")
    rows = F.conv2d(rows, taps, groups=batch.shape[1])
    return F.conv2d(rows, taps.transpose(2, 3), groups=batch.shape[1])


def _with_noise(batch: Tensor, spec: str, seed: int) -> Tensor:
    # Drawn on grey, where nothing is cut off, so that it does not depend on the image.
    grey = torch.full_like(batch[:1], 0.5, dtype=torch.float32, requires_grad=False)
    noise = create_distortion(spec)(grey, seed=seed) - grey
    return (batch + noise.to(batch)).clamp(0, 1)
