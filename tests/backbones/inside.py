"""What is private in `snellen.backbones` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.backbones import _clip as clip_module
from snellen.backbones import _download as download_module
from snellen.backbones import _text as text_module
from snellen.backbones import _weights as weights_module
from snellen.backbones import _weights_registry as weights_registry_module
from snellen.backbones._checkpoint import load_into, load_state_dict, state_sha256, strip_prefix
from snellen.backbones._digest import file_sha256 as digest_file_sha256
from snellen.backbones._download import download, offline_variable
from snellen.backbones._fovea import shipped_weights
from snellen.backbones._gabor import GABOR_LAYERS, GaborBank
from snellen.backbones._gabor_tuning import OPPONENT, PLANES
from snellen.backbones._graph import LayerGraph
from snellen.backbones._hooked import HookedNetwork
from snellen.backbones._hub import fetch_from_hub
from snellen.backbones._layers import as_map, is_channels_last_map, layer_stride
from snellen.backbones._names import field_names
from snellen.backbones._pooling import L2Pool2d, replace_max_pooling
from snellen.backbones._receptive import Field, receptive_fields
from snellen.backbones._trace import trace, trunk
from snellen.backbones._weights import (
    cache_directory,
    fetch_url,
    fetch_weights,
    find_weights,
    list_weights,
    verify_weights,
    weights_copies,
    weights_directories,
    weights_record,
)
from snellen.backbones._weights import file_sha256 as weights_file_sha256

__all__ = [
    "GABOR_LAYERS",
    "OPPONENT",
    "PLANES",
    "Field",
    "GaborBank",
    "HookedNetwork",
    "L2Pool2d",
    "LayerGraph",
    "as_map",
    "cache_directory",
    "clip_module",
    "digest_file_sha256",
    "download",
    "download_module",
    "fetch_from_hub",
    "fetch_url",
    "fetch_weights",
    "field_names",
    "find_weights",
    "is_channels_last_map",
    "layer_stride",
    "list_weights",
    "load_into",
    "load_state_dict",
    "offline_variable",
    "receptive_fields",
    "replace_max_pooling",
    "shipped_weights",
    "state_sha256",
    "strip_prefix",
    "text_module",
    "trace",
    "trunk",
    "verify_weights",
    "weights_copies",
    "weights_directories",
    "weights_file_sha256",
    "weights_module",
    "weights_record",
    "weights_registry_module",
]
