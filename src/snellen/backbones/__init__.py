"""Frozen networks: catalogue, weights, layers, feature extraction."""

from snellen.backbones._backbone import Backbone, WeightsInfo
from snellen.backbones._checkpoint import load_into, load_state_dict, strip_prefix
from snellen.backbones._clip import EMBEDDING_LAYER
from snellen.backbones._digest import file_sha256
from snellen.backbones._factory import create_backbone
from snellen.backbones._fovea import Fovea
from snellen.backbones._gabor import GaborBank
from snellen.backbones._layers import INPUT_LAYER, LayerInfo
from snellen.backbones._receptive import Reach
from snellen.backbones._safetensors import read_safetensors, read_words
from snellen.backbones._sources import EMBEDDED, Architecture, find_architecture, list_backbones
from snellen.backbones._text import TextTower
from snellen.backbones._weights import (
    cache_directory,
    fetch_weights,
    find_weights,
    verify_weights,
)
from snellen.backbones._weights_registry import WeightsRecord, list_weights

__all__ = [
    "EMBEDDED",
    "EMBEDDING_LAYER",
    "INPUT_LAYER",
    "Architecture",
    "Backbone",
    "Fovea",
    "GaborBank",
    "LayerInfo",
    "Reach",
    "TextTower",
    "WeightsInfo",
    "WeightsRecord",
    "cache_directory",
    "create_backbone",
    "fetch_weights",
    "file_sha256",
    "find_architecture",
    "find_weights",
    "list_backbones",
    "list_weights",
    "load_into",
    "load_state_dict",
    "read_safetensors",
    "read_words",
    "strip_prefix",
    "verify_weights",
]
