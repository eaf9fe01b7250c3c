"""Pixels in: decoding by a named policy, checked batches, sizes and pairs."""

from snellen.images._batch import as_image_batch
from snellen.images._finding import (
    IMAGE_SUFFIXES,
    UNREAD_SUFFIXES,
    ImageListing,
    find_images,
    list_images,
    passed_over_text,
)
from snellen.images._luma import gray_levels, luma
from snellen.images._pairing import Pair, Pairing, Unpaired, pair_images
from snellen.images._pixels import Pixels, Window, as_pixels
from snellen.images._policy import ImagePolicy
from snellen.images._read import image_size, read_image
from snellen.images._sizes import ALIGNMENTS, match_sizes
from snellen.images._write import read_png_note, write_png

__all__ = [
    "ALIGNMENTS",
    "IMAGE_SUFFIXES",
    "UNREAD_SUFFIXES",
    "ImageListing",
    "ImagePolicy",
    "Pair",
    "Pairing",
    "Pixels",
    "Unpaired",
    "Window",
    "as_image_batch",
    "as_pixels",
    "find_images",
    "gray_levels",
    "image_size",
    "list_images",
    "luma",
    "match_sizes",
    "pair_images",
    "passed_over_text",
    "read_image",
    "read_png_note",
    "write_png",
]
