"""From an item to pixels, in a thread."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from snellen.errors import error_text
from snellen.images import ImagePolicy, Pixels, as_image_batch, as_pixels, image_size
from snellen.runs._engine._ahead import ByteBudget
from snellen.runs._sources import Item, Location, Stream

_PIXEL_BYTES = 12  # three planes of float32
_SAMPLE_BYTES = 4  # as most files are stored, with room for a fourth channel


@dataclass
class Decoded:
    """An item with its pixels, or with the reason why there are none.

    A large image, and its reference, are in `pixels` as they are stored; others are image batches.
    """

    position: int
    item: Item
    image: Tensor | None = None
    reference: Tensor | None = None
    pixels: tuple[Pixels, Pixels | None] | None = None
    shared: bool = False
    sha256: str | None = None
    error: str | None = None
    width: int | None = None
    height: int | None = None
    held: int = 0


ReadReference = Callable[[Location], Tensor]


class Decoder:
    """Reads, hashes and decodes images and their references.

    Parameters
    ----------
    policy
        How files become pixels.
    budget
        Bytes that decoded images may take together.
    shared_reference
        Reads a reference that several items have in common.
    whole_pixels
        Larger images are left as they are stored, to be scored by tiles; None: none are.
    """

    def __init__(
        self,
        policy: ImagePolicy,
        budget: ByteBudget,
        shared_reference: ReadReference,
        whole_pixels: int | None,
    ) -> None:
        self._policy, self._budget = policy, budget
        self._shared_reference, self._whole_pixels = shared_reference, whole_pixels

    def __call__(self, position: int, item: Item, shared: bool) -> Decoded:
        """Decode an item; whatever goes wrong is its error."""
        done = Decoded(position, item, shared=shared)
        try:
            if item.problem is not None:
                done.error = item.problem
            else:
                self._decode(done)
        except Exception as error:
            done.error = error_text(error)
            done.image = done.reference = done.pixels = None
            self._budget.release(done.held)
            done.held = 0
        return done

    def _decode(self, done: Decoded) -> None:
        with done.item.image.open() as stream:
            done.sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            height, width = image_size(stream, self._policy)
            if self._whole_pixels is not None and height * width > self._whole_pixels:
                self._decode_large(done, stream, height * width)
            else:
                self._decode_whole(done, stream, height * width)
        done.height, done.width = height, width

    def _decode_whole(self, done: Decoded, stream: Stream, pixels: int) -> None:
        location = done.item.reference
        # Before the memory is taken: whoever waits for a reference must not hold any.
        shared = self._shared_reference(location) if location and done.shared else None
        self._hold(done, pixels, _PIXEL_BYTES)
        done.image = as_image_batch(stream, self._policy, name="image")
        done.reference = shared
        if location is not None and shared is None:
            done.reference = read_reference(location, self._policy)

    def _decode_large(self, done: Decoded, stream: Stream, pixels: int) -> None:
        location, done.shared = done.item.reference, False
        self._hold(done, pixels, _SAMPLE_BYTES)
        image, reference = as_pixels(stream, self._policy, name="image"), None
        if location is not None:
            with location.open() as other:
                reference = as_pixels(other, self._policy, name="reference")
        done.pixels = image, reference

    def _hold(self, done: Decoded, pixels: int, each: int) -> None:
        """Wait for the memory of the image, and of a reference of its size."""
        limit = self._policy.max_pixels
        if limit is not None and pixels > limit:
            return  # the reader refuses it before it takes any memory
        size = pixels * each * (1 if done.item.reference is None else 2)
        self._budget.acquire(size)
        done.held = size


def read_reference(location: Location, policy: ImagePolicy) -> Tensor:
    """Read and decode a reference."""
    with location.open() as stream:
        return as_image_batch(stream, policy, name="reference")
