"""Detection of a grating on top of another one."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from snellen.exam._psychophysics._metric_csf import MaskingCurve
from snellen.exam._psychophysics._observer import Observer, as_metric, find_criterion
from snellen.metrics import Metric
from snellen.records import Row
from snellen.vision import Grating


def masking(
    metric: Metric | str,
    mask_contrasts: Sequence[float] = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64),
    *,
    target: Grating | None = None,
    mask_orientation: float | None = None,
    mask_frequency: float | None = None,
    phases: int = 4,
    criterion: float | None = None,
    multiple: float = 10.0,
    human: str = "measured",
    luminance: float = 100.0,
    progress: Callable[[int], None] | None = None,
) -> MaskingCurve:
    """Measure the threshold of a grating on top of another one.

    People see a weak increment of a grating more easily than the grating alone (the dip of the
    "dipper"), and need more contrast on strong masks.

    Parameters
    ----------
    metric
        A full-reference metric, or its name.
    mask_contrasts
        Contrasts of the mask, in the target's encoding; threshold on a blank field comes first.
    target
        The grating that is to be seen; its contrast does not matter.
    mask_orientation, mask_frequency
        Of the mask, in degrees and cycles per degree; the target's own by default.
    phases
        Number of phases over which distances are averaged; target and mask move together.
    criterion, multiple, human, luminance
        As for `metric_csf`.
    progress
        Called with the number of conditions done.

    Returns
    -------
    MaskingCurve
        One row a mask contrast, the blank field first.

    Raises
    ------
    MetricError
        The human curve has no thresholds.
    ImageError
        A mask leaves no room for a target.
    """
    template = target or Grating(4.0)
    observer = Observer(as_metric(metric), phases)
    anchor, level = find_criterion(observer, template, criterion, multiple, human, luminance)
    mask = replace(
        template,
        orientation=template.orientation if mask_orientation is None else mask_orientation,
        frequency=template.frequency if mask_frequency is None else mask_frequency,
        contrast=0.0,
    )
    shown = replace(template, contrast=0.0)
    rows: list[Row] = []
    for contrast in (0.0, *mask_contrasts):
        crossing = observer.threshold(shown, level, replace(mask, contrast=contrast))
        alone = rows[0]["threshold"] if rows else crossing.contrast
        rows.append(
            {
                "mask_contrast": contrast,
                "threshold": crossing.contrast,
                "relative_threshold": _ratio(crossing.contrast, alone),
                "status": crossing.status,
                "monotone": crossing.monotone,
            }
        )
        if progress is not None:
            progress(1)
    return MaskingCurve(observer.metric, rows, level, anchor, shown, mask, phases)


def _ratio(threshold: float | None, alone: float | None) -> float | None:
    return None if threshold is None or alone is None else threshold / alone
