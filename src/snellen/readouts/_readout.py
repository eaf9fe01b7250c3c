"""What a readout is: two sets of features in, a distance per image out."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from torch import Tensor

from snellen.errors import MetricError
from snellen.readouts._moments import Moments
from snellen.readouts._sums import check_pair, widest
from snellen.readouts._tally import Tally


@dataclass(frozen=True)
class Readout(ABC):
    """Two sets of features -> a distance per image; 0 = same, larger = worse.

    A readout works in two steps. `measure` reduces one layer of both images to a few sums per
    image; `distance` turns sums into the distance. Sums of several layers may be added before the
    second step where `joins` says so: that is the distance of the concatenated features (of the
    concatenated statistics, where a readout compares those).

    Features are (N, C, h, w), after the non-linearity, in any floating-point type; at least
    float32 is used inside. One of the two may have N = 1.
    """

    name: ClassVar[str]
    has_map: ClassVar[bool] = False
    """The distance is spread over positions: `map` tells where it is."""
    joins: ClassVar[bool] = False
    """Sums of several layers may be added: the readout can be taken of concatenated layers."""
    needs_means: ClassVar[bool] = False
    """`from_moments` asks for means or variances: ``Moments(..., means=True)`` saves a pass."""
    source: ClassVar[str] = ""
    """Where the definition comes from."""

    @abstractmethod
    def measure(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Reduce one layer of two images to sums.

        Parameters
        ----------
        f, g
            Features of the distorted and of the reference image, (N, C, h, w).
        weights
            Non-negative weights of the channels, (C,); they enter as the square root on both
            features unless the readout says otherwise.

        Returns
        -------
        Tensor
            (N, K), float64 where the device has it.
        """

    def from_moments(self, moments: Moments) -> Tensor:
        """Make what `measure` returns of sums that were taken once for many readouts.

        A readout that does not follow from moments measures the features they were taken of,
        which is the default.

        Parameters
        ----------
        moments
            Of one pair of images.

        Returns
        -------
        Tensor
            (K,), without gradients.
        """
        return self.measure(moments.features, moments.reference.features)[0]

    @abstractmethod
    def distance(self, sums: Tensor) -> Tensor:
        """Turn sums (N, K) into distances (N,)."""

    def tally(self, weights: Tensor | None = None) -> Tally:
        """Make what takes one layer of two images tile by tile, to the same sums as `measure`.

        Parameters
        ----------
        weights
            Non-negative weights of the channels, (C,).

        Raises
        ------
        MetricError
            The readout needs all positions of a layer at once.
        """
        raise MetricError(
            f"The readout {self.name!r} needs all positions of a layer at once: it cannot be taken "
            "tile by tile."
        )

    def score(self, distance: Tensor) -> Tensor:
        """Turn the distance combined over layers into the printed score; the same by default."""
        return distance

    def share(self, channels: int, weights: Tensor | None = None) -> float:
        """Weight of a layer in the mean that the distance of concatenated layers is.

        The map of concatenated layers is the mean of their maps by these weights where the
        readout is such a mean, and their sum where it is not (the weight is 0).
        """
        return 0.0

    def map(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Show the distance at every position, (N, 1, h, w).

        Raises
        ------
        MetricError
            The readout compares whole images, and has no map.
        """
        raise MetricError(
            f"The readout {self.name!r} compares statistics of whole images: it has no map. "
            "Those with a map say so by `has_map`, in snellen.readouts.READOUTS."
        )

    def __call__(self, f: Tensor, g: Tensor, weights: Tensor | None = None) -> Tensor:
        """Measure the distance of one layer, (N,)."""
        check_pair(f, g)
        return self.score(self.distance(self.measure(f, g, weights))).to(widest(f.dtype))

    def manifest(self) -> dict[str, Any]:
        """Return the name and every option, as plain values."""
        return {"name": self.name, **asdict(self)}
