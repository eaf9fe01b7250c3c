"""The embedded network `gabor`: a textbook primary visual cortex that needs no weights.

The image is taken apart into one luminance and two opponent-colour planes. Each plane is seen by
quadrature pairs of Gabor filters, *simple cells* [1]_; the length of a pair's response is the
local *energy*, which does not depend on the phase of a grating [2]_; divided by the energy of
the neighbourhood it becomes the response of a *complex cell*, which saturates with contrast and
is masked by other orientations [3]_. Every number follows from a few options, so the tuning of
every channel is known in closed form (`GaborBank.tuning`).

References
----------
.. [1] J. G. Daugman, "Uncertainty relation for resolution in space, spatial frequency, and
   orientation optimized by two-dimensional visual cortical filters", JOSA A 2(7), 1985.
.. [2] E. H. Adelson and J. R. Bergen, "Spatiotemporal energy models for the perception of
   motion", JOSA A 2(2), 1985.
.. [3] D. J. Heeger, "Normalization of cell responses in cat striate cortex", Visual
   Neuroscience 9(2), 1992.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor, nn

from snellen.backbones._gabor_stages import ENERGY_FLOOR, Energy, Filtered, Normalised, Opponent
from snellen.backbones._gabor_tuning import PLANES, Array, GaborChannel, GaborDesign, prefilter
from snellen.errors import BackboneError

GABOR_LAYERS = GaborDesign().layers
"""Layers of the default bank in order of depth."""


class GaborBank(nn.Module):
    """A fixed bank of quadrature Gabor filters with divisive normalisation.

    For every scale s = 1, 2, ... there are three layers (channel counts are those of the
    default); scale s prefers the frequency
    ``peak_frequency / 2**(s - 1)`` and lies on a grid of stride ``2**s`` pixels:

    ============== ======== ================================================================
    layer          channels
    ============== ======== ================================================================
    ``opponent``   3        luminance, red-green, blue-yellow, at full resolution
    ``simple{s}``  36       signed responses, by plane, then phase (even, odd), then orientation
    ``energy{s}``  18       length of the even-odd pair, by plane, then orientation
    ``complex{s}`` 18       energy divided by the root of the neighbourhood's energy
    ============== ======== ================================================================

    Parameters
    ----------
    n_scales, n_orientations
        Number of scales, an octave apart, and of orientations, evenly spaced over 180 degrees.
    peak_frequency
        Preferred frequency of the finest scale, in cycles per pixel (0.1 to 0.25).
    bandwidth
        Width of the frequency tuning at half height, in octaves (0.5 to 1.2).
    semi_saturation
        Constant c of the normalisation, as amplitude: responses grow linearly well below it and
        saturate above. The default, 0.1, puts half of the largest response at a contrast of 0.11,
        among the more sensitive cells of V1.
    pool
        Standard deviation of the normalisation pool, in positions of the layer's own grid.
    cross_plane
        Weight of the other two planes in the pool of each plane.

    Raises
    ------
    BackboneError
        An option lies outside its range.

    Notes
    -----
    Between scales a Gaussian blur halves the grid; the filters allow for it, so the whole chain
    is one Gabor (`GaborDesign.filters`). Filters are applied at every second position
    of their grid: a quadrature pair of one octave fits into that rate, its energy is simply
    sampled there, and it costs a quarter. Borders repeat the edge pixel. The filters are
    separable and made in float64 at construction; the state dict is empty.

    Examples
    --------
    >>> import torch
    >>> bank = GaborBank()
    >>> bank(torch.rand(1, 3, 64, 48)).shape
    torch.Size([1, 18, 4, 3])
    >>> bank.tuning("energy1", frequency=0.25, orientation=0.0, contrast=0.5)[:6].round(3)
    array([0.25 , 0.047, 0.   , 0.   , 0.   , 0.047])
    """

    def __init__(
        self,
        n_scales: int = 4,
        n_orientations: int = 6,
        peak_frequency: float = 0.25,
        bandwidth: float = 1.0,
        semi_saturation: float = 0.1,
        pool: float = 2.0,
        cross_plane: float = 0.0,
    ) -> None:
        super().__init__()
        self.design = GaborDesign(
            n_scales, n_orientations, peak_frequency, bandwidth, semi_saturation, pool, cross_plane
        )
        self.opponent = Opponent()
        for scale in range(1, n_scales + 1):
            if scale > 1:
                self.add_module(f"reduce{scale}", Filtered(prefilter(), stride=2))
            self.add_module(f"simple{scale}", Filtered(self.design.filters(scale), stride=2))
            self.add_module(f"energy{scale}", Energy(n_orientations))
            self.add_module(f"complex{scale}", Normalised(self.design))

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers in order of depth; each is also the name of a submodule."""
        return self.design.layers

    def config(self) -> dict[str, Any]:
        """Return everything that changes a number, for the manifest."""
        return {**self.design.config(), "energy_floor": ENERGY_FLOOR}

    def forward(self, image: Tensor) -> Tensor:
        """Return the deepest layer for an image batch (N, 3, H, W) in [0, 1]."""
        planes: Tensor = self.opponent(image)
        output = planes
        for scale in range(1, self.design.n_scales + 1):
            if scale > 1:
                planes = self.get_submodule(f"reduce{scale}")(planes)
            simple = self.get_submodule(f"simple{scale}")(planes)
            energy = self.get_submodule(f"energy{scale}")(simple)
            output = self.get_submodule(f"complex{scale}")(energy)
        return output

    def tuning(
        self,
        layer: str,
        frequency: ArrayLike,
        orientation: ArrayLike,
        contrast: ArrayLike = 1.0,
        plane: str = "luminance",
    ) -> Array:
        r"""Predict the response of a layer's channels to a full-field grating.

        The grating is
        :math:`\frac{c}{2}\cos(2\pi f(x\cos\theta + y\sin\theta) + \varphi)` in one plane,
        on mid-grey; x runs to the right and y down, so that the orientation is that
        of the wave vector: 0 for vertical bars, growing clockwise on screen.

        With E and O the Fourier transforms of the even and odd filters (the taps
        themselves, blurs included), the responses to a grating of amplitude a have the
        amplitudes a|E| and a|O| (``simple``). The energy over all phases has the root
        mean square :math:`a\sqrt{(E^2 + O^2)/2}`; near the peak E = O, and it is
        constant. Normalisation acts on that as it does on the image, over a uniform
        neighbourhood. Of ``opponent`` it is the amplitude itself.

        Parameters
        ----------
        layer
            One of `layers`.
        frequency
            Cycles per pixel; arrays are broadcast with the other two.
        orientation
            Direction of the wave vector, in radians.
        contrast
            Twice the amplitude in the chosen plane: 1 is the largest for luminance.
        plane
            ``luminance``, ``red-green`` or ``blue-yellow``: the plane that is modulated.

        Returns
        -------
        numpy.ndarray
            (..., C): one amplitude a channel.

        Raises
        ------
        BackboneError
            The layer or the plane does not exist.
        """
        stage, scale = self._stage(layer)
        _choose("plane", plane, PLANES)
        grid = np.broadcast_arrays(
            *(np.asarray(v, float) for v in (frequency, orientation, contrast))
        )
        amplitude = grid[2][..., None, None] / 2 * np.equal(PLANES, plane)[:, None]
        if scale is None:
            return amplitude[..., 0]
        even, odd = self.design.quadrature(scale, grid[0], grid[1])
        if stage == "simple":
            return _flat(amplitude * np.concatenate([even, odd], -1)[..., None, :])
        energy = amplitude * np.hypot(even, odd)[..., None, :] / math.sqrt(2)
        if stage == "energy":
            return _flat(energy)
        pool = self.design.pool_weights() @ (energy**2).sum(-1, keepdims=True)
        return _flat(energy / np.sqrt(self.design.semi_saturation**2 + pool))

    def channels(self, layer: str) -> list[GaborChannel]:
        """Describe the channels of a layer, in their order.

        Parameters
        ----------
        layer
            One of `layers`.

        Returns
        -------
        list of GaborChannel
            Preferred frequency and orientation, bandwidth and half-width of each channel.

        Raises
        ------
        BackboneError
            The layer does not exist.
        """
        stage, scale = self._stage(layer)
        if scale is None:
            return [GaborChannel(plane) for plane in PLANES]
        design = self.design
        peak = design.peak_frequency / 2 ** (scale - 1)
        phases = (0.0, math.pi / 2) if stage == "simple" else (None,)
        return [
            GaborChannel(
                plane, scale, float(theta), phase, peak, design.bandwidth, design.half_width
            )
            for plane in PLANES
            for phase in phases
            for theta in design.orientations
        ]

    def _stage(self, layer: str) -> tuple[str, int | None]:
        _choose("layer", layer, self.layers)
        stage = layer.rstrip("0123456789")
        return stage, int(layer[len(stage) :]) if stage != layer else None


def _choose(what: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BackboneError(f"gabor has no {what} {value!r}; choose from: {', '.join(choices)}")


def _flat(by_plane: Array) -> Array:
    return by_plane.reshape(*by_plane.shape[:-2], -1)
