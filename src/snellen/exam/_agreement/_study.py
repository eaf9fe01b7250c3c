"""A list of networks against people: agreement by factor, by depth, against other metrics."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from snellen.agreement import Estimate, RankAgreement, Resampling
from snellen.exam._agreement._layers import LayerExam, agreement_columns, best_row, layers
from snellen.exam._agreement._study_metrics import MetricScores, score_metrics
from snellen.exam._agreement._study_networks import NetworkSpec
from snellen.exam._agreement._study_plan import Study
from snellen.records import Row
from snellen.runs import ScoreCache

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Condition:
    """One dataset under one protocol.

    Parameters
    ----------
    exam
        Every network, layer and readout.
    metrics
        Agreement of the other metrics, a row each.
    factors
        Agreement by factor and level, with intervals.
    networks
        Best, first and last layer of every network, and its lead over each metric.
    failed
        Images that are left out, a row each: ``image``, ``reference`` and ``error``.
    """

    exam: LayerExam
    metrics: tuple[Row, ...]
    factors: tuple[Row, ...]
    networks: tuple[Row, ...]
    failed: tuple[Row, ...] = ()


def study(
    plan: Study,
    *,
    resampling: Resampling | None = None,
    checkpoint: str | Path | None = None,
    cache: ScoreCache | None = None,
    device: str | torch.device = "cpu",
    progress: Callable[[int], None] | None = None,
) -> list[Condition]:
    """Examine every network on every dataset under every protocol.

    A network's agreement is the SRCC of its best layer with the plain Euclidean distance, as in
    the paper (of the first readout, where that one is not examined). The layer is chosen on the
    images on which it is reported: a little optimistic, for every network alike. An image that
    cannot be read, or that a metric has no score for, is left out for all, and the study goes on.

    Parameters
    ----------
    plan
        What `load_study` has read.
    resampling, checkpoint
        See `snellen.exam.layers`.
    cache
        Where scores of the metrics are taken from and kept; by default they are computed.
    device, progress
        See `snellen.exam.layers`.

    Returns
    -------
    list of Condition
        One per dataset and protocol.
    """
    how = resampling or Resampling()
    found = []
    for dataset in plan.datasets:
        scored = score_metrics(plan, dataset, device, cache)
        for resize in plan.resize:
            parts = [
                layers(
                    {spec.name: spec.build()},
                    scored.dataset,
                    readouts=plan.readouts,
                    layers=["input", *spec.layers] if spec.layers else None,
                    resize=resize,
                    resampling=how,
                    checkpoint=checkpoint,
                    device=device,
                    progress=progress,
                )
                for spec in plan.networks
            ]
            found.append(_condition(plan, _join(plan, parts), scored, how))
    return found


def _join(plan: Study, parts: Sequence[LayerExam]) -> LayerExam:
    # To its backbone a module that the file leaves as it was made is just a module.
    untrained = {spec.name for spec in plan.networks if spec.weights == "random"}
    rows = [row for one in parts for row in one.rows]
    return LayerExam(
        tuple(row | {"weights": "random"} if row["network"] in untrained else row for row in rows),
        tuple(series for one in parts for series in one.series),
        parts[0].dataset,
        {label: manifest for one in parts for label, manifest in one.networks.items()},
        parts[0].resize,
    )


def _condition(plan: Study, exam: LayerExam, scored: MetricScores, how: Resampling) -> Condition:
    best = {spec.name: _best(exam, spec.name) for spec in plan.networks}
    columns = {name: _column(exam, row) for name, row in best.items()}
    people = exam.dataset.score if exam.dataset.higher_better else -exam.dataset.score
    ranks = RankAgreement(people, exam.dataset.content, how)
    networks = dict(zip(columns, _drawn(ranks, columns), strict=True))
    others = dict(zip(scored.scores, _drawn(ranks, scored.scores), strict=True))
    rows = [
        _network_row(exam, spec, best[spec.name])
        | _ends(ranks.estimate(*networks[spec.name]))
        | _leads(networks[spec.name], others, ranks)
        for spec in plan.networks
    ]
    metrics = [
        {"metric": name} | agreement_columns(values, exam.dataset, how)
        for name, values in scored.scores.items()
    ]
    factors = _factors(plan, networks, ranks)
    return Condition(exam, tuple(metrics), tuple(factors), tuple(rows), scored.failed)


def _main_readout(exam: LayerExam) -> str:
    names = [one.readout for one in exam.series]
    return "euclidean" if "euclidean" in names else names[0]


def _own(exam: LayerExam, network: str) -> list[Row]:
    main = _main_readout(exam)
    return [
        row
        for row in exam.rows
        if row["network"] == network
        and row["readout"] == main
        and row["combination"] == "layer"
        and row["layer"] != "input"
    ]


def _best(exam: LayerExam, network: str) -> Row:
    return best_row(_own(exam, network))


def _column(exam: LayerExam, row: Row) -> Numbers:
    wanted = (row["network"], row["readout"], row["combination"])
    one = next(s for s in exam.series if (s.network, s.readout, s.combination) == wanted)
    return one.distances[:, row["depth"]]


def _drawn(ranks: RankAgreement, columns: Mapping[str, Numbers]) -> list[tuple[float, Numbers]]:
    """SRCC of every column, and the same under every resample of contents."""
    if not columns:
        return []
    values, draws = ranks(np.stack(list(columns.values()), axis=1))
    return list(zip(values.tolist(), draws, strict=True))


def _network_row(exam: LayerExam, spec: NetworkSpec, best: Row) -> Row:
    own = _own(exam, spec.name)
    row: Row = {"network": spec.name, **spec.tags, "layer": best["layer"]}
    row |= {k: best[k] for k in ("relative_depth", "srcc", "srcc_low", "srcc_high", "plcc")}
    row |= {"first_srcc": own[0]["srcc"], "last_srcc": own[-1]["srcc"]}
    return row | {"any_readout_srcc": exam.best(spec.name)["srcc"]}


def _leads(
    network: tuple[float, Numbers],
    others: Mapping[str, tuple[float, Numbers]],
    ranks: RankAgreement,
) -> Row:
    """SRCC of a network minus that of every other metric, with paired intervals."""
    row: Row = {}
    for name, (value, draws) in others.items():
        lead = ranks.estimate(network[0] - value, network[1] - draws)
        row[f"lead_over_{name}"] = lead.value
        row |= {f"lead_over_{name}_low": lead.low, f"lead_over_{name}_high": lead.high}
    return row


def _factors(
    plan: Study, networks: Mapping[str, tuple[float, Numbers]], ranks: RankAgreement
) -> list[Row]:
    """Mean over the networks of each level of each factor."""
    rows = []
    for factor in dict.fromkeys(tag for spec in plan.networks for tag in spec.tags):
        for level in dict.fromkeys(spec.tags.get(factor) for spec in plan.networks):
            own = [networks[one.name] for one in plan.networks if one.tags.get(factor) == level]
            mean = ranks.estimate(
                float(np.mean([value for value, _ in own])),
                np.mean([draws for _, draws in own], axis=0),
            )
            row: Row = {"factor": factor, "level": str(level), "networks": len(own)}
            rows.append(row | {"srcc": mean.value} | _ends(mean))
    return rows


def _ends(srcc: Estimate) -> Row:
    return {"srcc_low": srcc.low, "srcc_high": srcc.high}
