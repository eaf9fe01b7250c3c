"""Write the perceptual efficacy of a layer's channels as weights for a loss or a metric.

    python examples/training/efficacy_weights.py squeezenet1_1 fire2 \
        --weights squeezenet1_1.safetensors --output efficacy-fire2.safetensors

Nothing but gratings is shown to the network: no image, no human score (Tariq et al., ECCV 2020).
"""

import argparse
from pathlib import Path

from snellen import create_backbone
from snellen.exam import efficacy_weights, tuning
from snellen.metrics import save_channel_weights


def main() -> None:
    """Measure, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("backbone")
    parser.add_argument("layer")
    parser.add_argument("--weights", help="imagenet, random, or a file")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    network = create_backbone(arguments.backbone, arguments.weights)
    found = tuning(network, [arguments.layer])
    efficacy = [row["efficacy"] for row in found.of_layer(arguments.layer)]
    weights = efficacy_weights({arguments.layer: efficacy})
    save_channel_weights(arguments.output, {one.layer: one.weights for one in weights})


if __name__ == "__main__":
    main()
