"""Every layer x every readout of networks, against people."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from snellen.agreement import Resampling, agree
from snellen.backbones import INPUT_LAYER, Backbone
from snellen.datasets import Dataset
from snellen.errors import BackboneError
from snellen.exam._agreement._readouts import CHANNEL_NORMALIZED, DEFAULT_READOUTS, find_readouts
from snellen.exam._agreement._responses import Responses, respond
from snellen.exam._exam_run import ExamRun
from snellen.exam._networks import layer_facts, named_networks
from snellen.metrics import Protocol
from snellen.records import Row

Numbers = NDArray[np.float64]
Combination = Literal["layer", "cumulative"]


@dataclass(frozen=True)
class Series:
    """Distances of one network, readout and combination at every layer, (N, L)."""

    network: str
    readout: str
    combination: Combination
    distances: Numbers


@dataclass(frozen=True)
class LayerExam:
    """Agreement with people of every layer x every readout; made by `layers`.

    Parameters
    ----------
    rows
        One per network, layer, readout and combination: agreement with intervals.
    series
        Distances of every image, from which any other analysis can be made.
    dataset
        The images and their scores.
    networks
        Manifest of every network by its label.
    resize
        Rule of the protocol.
    """

    rows: tuple[Row, ...]
    series: tuple[Series, ...]
    dataset: Dataset
    networks: Mapping[str, Any]
    resize: str

    def best(self, network: str, statistic: str = "srcc") -> Row:
        """Return the row of a network with the highest agreement.

        Raises
        ------
        BackboneError
            The exam has no such network.
        """
        own = [row for row in self.rows if row["network"] == network]
        if not own:
            known = ", ".join(self.networks)
            raise BackboneError(f"The exam has no network {network!r}; it has {known}.")
        return best_row(own, statistic)

    def to_table(self) -> Any:
        """Return the rows as an Arrow table."""
        import pyarrow

        return pyarrow.Table.from_pylist(list(self.rows))

    def distance_table(self) -> Any:
        """Return distances as an Arrow table: a row per image, a column per layer and readout."""
        import pyarrow

        columns: dict[str, Any] = {
            "image": [str(path) for path in self.dataset.image],
            "reference": [str(path) for path in self.dataset.reference],
            "type": self.dataset.type.tolist(),
            "score": self.dataset.score,
        }
        names = {network: _names(self.rows, network) for network in self.networks}
        for one in self.series:
            for name, column in zip(names[one.network], one.distances.T, strict=True):
                columns[f"{one.network}/{name}/{one.readout}/{one.combination}"] = column
        return pyarrow.table(columns)

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again, as plain values."""
        return {
            "exam": "layers",
            "dataset": {"name": self.dataset.name, "images": len(self.dataset)},
            "protocol": Protocol(self.resize).manifest(),
            "networks": dict(self.networks),
            "torch": torch.__version__,
        }


def _names(rows: Iterable[Row], network: str) -> list[str]:
    return list(dict.fromkeys(row["layer"] for row in rows if row["network"] == network))


def layers(
    backbones: Sequence[str | Backbone] | str | Backbone | Mapping[str, Backbone],
    dataset: Dataset,
    *,
    weights: str | Path | None = None,
    readouts: Iterable[str] = DEFAULT_READOUTS,
    layers: Sequence[str] | None = None,
    resize: str = "native",
    controls: Literal["none", "random"] = "none",
    seeds: Sequence[int] = (0,),
    cumulative: bool = True,
    resampling: Resampling | None = None,
    checkpoint: str | Path | None = None,
    memory: int = 2 << 30,
    device: str | torch.device = "cpu",
    progress: Callable[[int], None] | None = None,
) -> LayerExam:
    """Measure how far every layer of networks agrees with people, with every readout.

    Every network sees every image once. What was measured can be kept in a folder, so that an
    exam that was cut off goes on where it was.

    Parameters
    ----------
    backbones
        Names, `Backbone` objects, or several of either; a mapping gives them labels.
    dataset
        Images with references and human scores.
    weights
        Weights of the networks given by name; see `snellen.create_backbone`.
    readouts
        Names: ``euclidean``, ``euclidean-rms``, ``cosine-position``, ``cosine-flattened``,
        ``cosine-channel``, ``structure-texture``, ``mean``, ``mean-std``,
        ``channel-normalized``, ``gram`` (costly), or any of `snellen.readouts.list_readouts`.
    layers
        Names of layers, for all networks; by default the input and all listed layers.
    resize
        Rule of `Protocol`, such as ``"native"`` or ``"half"``.
    controls
        ``"random"``: every network given by name also with random weights, one per seed.
    seeds
        Seeds of the controls.
    cumulative
        Also join all layers up to each (concatenated features).
    resampling
        How intervals are made; 1000 resamples of reference contents by default.
    checkpoint
        Folder for what was measured.
    memory
        Bytes that the features of one reference may take; above, pairs go layer by layer.
    device
        Where to compute.
    progress
        Called with the number of pairs done since the last call.

    Returns
    -------
    LayerExam
        Rows and distances.

    Raises
    ------
    BackboneError
        A network or layer does not exist, or a control was asked of a network without a name.
    MetricError
        There is no such readout or resize rule.
    DatasetError
        An image has no reference.
    """
    chosen = find_readouts(readouts)
    wanted = [readouts] if isinstance(readouts, str) else list(readouts)
    by_channel = CHANNEL_NORMALIZED in wanted
    protocol, run = Protocol(resize), ExamRun(checkpoint, device, progress)
    rows: list[Row] = []
    series: list[Series] = []
    manifests = {}
    for label, backbone in named_networks(backbones, weights, controls, seeds).items():
        names = list(layers or (INPUT_LAYER, *(info.name for info in backbone.layers)))
        responses = respond(
            backbone,
            dataset,
            names,
            chosen,
            protocol=protocol,
            by_channel=by_channel,
            memory=memory,
            run=run,
        )
        own = list(_series(label, responses, wanted, cumulative=cumulative))
        rows += _rows(label, backbone, responses.layers, own, dataset, resize, resampling)
        series += own
        manifests[label] = backbone.manifest()
    return LayerExam(tuple(rows), tuple(series), dataset, manifests, resize)


def _series(
    label: str, responses: Responses, readouts: Sequence[str], *, cumulative: bool
) -> Iterable[Series]:
    made = find_readouts(readouts)
    for name in dict.fromkeys(readouts):
        joins = name == CHANNEL_NORMALIZED or made[name].joins
        for combination in ("layer", "cumulative") if cumulative and joins else ("layer",):
            joined = combination == "cumulative"
            if name == CHANNEL_NORMALIZED:
                distances = responses.channel_normalized(cumulative=joined)
            else:
                distances = responses.distances(name, made[name], cumulative=joined)
            yield Series(label, name, "cumulative" if joined else "layer", distances)


def best_row(rows: Iterable[Row], statistic: str = "srcc") -> Row:
    """Return the row of the highest correlation; one that is not defined is below all others."""
    return max(rows, key=lambda row: float(np.nan_to_num(row[statistic], nan=-2.0)))


def _rows(
    label: str,
    backbone: Backbone,
    layers: Sequence[str],
    series: Iterable[Series],
    dataset: Dataset,
    resize: str,
    resampling: Resampling | None,
) -> list[Row]:
    facts = [layer_facts(backbone, name, depth, len(layers)) for depth, name in enumerate(layers)]
    source = {"network": label, "backbone": backbone.name, "weights": backbone.weights.source}
    return [
        source
        | fact
        | {"readout": one.readout, "combination": one.combination}
        | {"dataset": dataset.name, "resize": resize}
        | agreement_columns(one.distances[:, depth], dataset, resampling)
        for one in series
        for depth, fact in enumerate(facts)
    ]


def agreement_columns(
    distances: Numbers,
    dataset: Dataset,
    resampling: Resampling | None,
    *,
    lower_better: bool = True,
) -> Row:
    """Agreement of one column of distances with people, as columns of a row."""
    found = agree(
        distances,
        dataset.score,
        lower_better=lower_better,
        higher_better=dataset.higher_better,
        groups=dataset.content,
        parameters=None,
        resampling=resampling,
        kendall=False,
    )
    return {
        "srcc": found.srcc.value,
        "srcc_low": found.srcc.low,
        "srcc_high": found.srcc.high,
        "krcc": found.krcc.value,
        "plcc": found.plcc.value,
        "plcc_low": found.plcc.low,
        "plcc_high": found.plcc.high,
        "images": found.size,
        "contents": found.contents,
    }
