"""What is private in `snellen.metrics` and tested by itself.

The one place that names those modules: a file that moves changes nothing else in the tests.
"""

from snellen.metrics._attributes._cpbd import cpbd, edge_widths, sobel_edges
from snellen.metrics._classical._functions import FUNCTIONS
from snellen.metrics._default_layers import resolve_layers
from snellen.metrics._natural_scenes._brisque import load_regression
from snellen.metrics._natural_scenes._niqe import BLOCK, block_features, fit_scene_model
from snellen.metrics._natural_scenes._scene_model_files import load_scene_model, save_scene_model
from snellen.metrics._reduced._pooling import Pooling
from snellen.metrics._reduced._projection import fitted_projection, seeded_projection
from snellen.metrics._text._readings import mean_share, text_correlation, text_response
from snellen.metrics._text._text_metric import square_crops
from snellen.metrics._tiling import spans

__all__ = [
    "BLOCK",
    "FUNCTIONS",
    "Pooling",
    "block_features",
    "cpbd",
    "edge_widths",
    "fit_scene_model",
    "fitted_projection",
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
