"""What is private in `snellen.metrics` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.metrics._brisque import load_regression
from snellen.metrics._luma import grey_levels
from snellen.metrics._niqe import BLOCK, block_features, fit_scene_model
from snellen.metrics._pooled import Pooling
from snellen.metrics._projection import fitted_projection, seeded_projection
from snellen.metrics._scene import load_scene_model, save_scene_model
from snellen.metrics._sharpness import cpbd, edge_widths, sobel_edges
from snellen.metrics._stages import resolve_layers
from snellen.metrics._text_metric import square_crops
from snellen.metrics._text_readings import mean_share, text_correlation, text_response
from snellen.metrics._tiles import spans

__all__ = [
    "BLOCK",
    "Pooling",
    "block_features",
    "cpbd",
    "edge_widths",
    "fit_scene_model",
    "fitted_projection",
    "grey_levels",
    "load_regression",
    "load_scene_model",
    "mean_share",
    "resolve_layers",
    "save_scene_model",
    "seeded_projection",
    "sobel_edges",
    "spans",
    "square_crops",
    "text_correlation",
    "text_response",
]
