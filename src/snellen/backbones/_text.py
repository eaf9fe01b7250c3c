"""The text towers of CLIP: prompts become vectors in the space of the image tower's embedding."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from snellen.backbones._backbone import Backbone, WeightsInfo
from snellen.backbones._checkpoint import load_into, load_state_dict
from snellen.backbones._clip import ANY_SIZE, PREFIX, build_clip
from snellen.backbones._sources import seeded
from snellen.errors import BackboneError

_IMAGE_TOWER = "visual."


class TextTower:
    """A frozen text tower: the other half of a CLIP model whose image tower is a backbone.

    Parameters
    ----------
    backbone
        The image tower, ``create_backbone("open_clip/NAME")``; the text tower is built when
        it is first needed, with weights from the same file, or of the same seed.

    Raises
    ------
    BackboneError
        The backbone is no image tower of open_clip, or its weights are nobody's but its own.

    Examples
    --------
    >>> tower = TextTower(create_backbone("open_clip/ViT-B-32"))  # doctest: +SKIP
    >>> tower.embed(["a photo", "a blurry photo"]).shape  # doctest: +SKIP
    torch.Size([2, 512])
    """

    _embedded: ClassVar[dict[tuple[str, str, str], Tensor]] = {}

    def __init__(self, backbone: Backbone) -> None:
        if not backbone.name.startswith(PREFIX):
            raise BackboneError(
                f"{backbone.name} embeds no text: expected an image tower of open_clip, such as "
                f'create_backbone("{PREFIX}ViT-B-32-quickgelu").'
            )
        if backbone.weights.path is None and backbone.weights.source != "random":
            raise BackboneError(
                f"{backbone.name}: the weights of its text tower are not known; make the "
                "backbone by name, with a weights file."
            )
        self.name = backbone.name.removeprefix(PREFIX).removesuffix(ANY_SIZE)
        self.weights = backbone.weights
        self._identity = backbone.weights_sha256

    @torch.inference_mode()
    def embed(self, prompts: Sequence[str]) -> Tensor:
        """Embed prompts, each once for all towers of the same weights.

        Parameters
        ----------
        prompts
            Texts; longer ones than the tower's context are cut off.

        Returns
        -------
        Tensor
            (P, D), not normalised, in float32, on the CPU.
        """
        keys = {prompt: (self.name, self._identity, prompt) for prompt in prompts}
        missing = [prompt for prompt, key in keys.items() if key not in self._embedded]
        if missing:
            for prompt, vector in zip(missing, self._run(missing), strict=True):
                self._embedded[keys[prompt]] = vector
        with torch.inference_mode(False):
            return torch.stack([self._embedded[keys[prompt]].clone() for prompt in prompts])

    def _run(self, prompts: Sequence[str]) -> Tensor:
        import open_clip

        tower = _build(self.name, self.weights)
        tokens = open_clip.get_tokenizer(self.name)(list(prompts))
        embedded: Tensor = tower.encode_text(tokens)  # type: ignore[operator]
        return embedded.float()


def _build(name: str, weights: WeightsInfo) -> nn.Module:
    def build() -> nn.Module:
        model = build_clip(name)
        # Built with the same seed, both towers are those of one random model.
        del model.visual
        return model

    model = seeded(build, int(weights.detail.get("seed", 0)))
    if weights.path is not None:
        state = load_state_dict(weights.path)
        kept = {k: value for k, value in state.items() if not k.startswith(_IMAGE_TOWER)}
        load_into(model, kept, source=weights.path, ignore=("logit_scale", "logit_bias"))
    return model.eval().requires_grad_(False)
