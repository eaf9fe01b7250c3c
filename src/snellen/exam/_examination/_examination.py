"""What an exam of networks found, part by part, as plain tables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snellen.exam._examination._part import Part
from snellen.exam._examination._parts import EXAM_PARTS
from snellen.records import Row, replace_file, write_arrow

TABLES = ("summary", *(name for kind in EXAM_PARTS.values() for name in kind.tables))
"""Names of all tables that an examination may have."""


@dataclass(frozen=True)
class Examination:
    """The exam of one network or several; made by `examine`.

    Parameters
    ----------
    parts
        Part by part, network by network.
    networks
        Manifest of every network by its label.
    left_out
        Parts that were asked for without the data that they need, and how to get it.
    facts
        What was asked: data, viewing geometry, what was reduced.
    """

    parts: tuple[Part, ...]
    networks: Mapping[str, Any]
    left_out: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Part, ...]:
        """Parts that failed."""
        return tuple(part for part in self.parts if part.error is not None)

    def of(self, name: str) -> dict[str, Part]:
        """Return one part of every network that has it, by label, without those that failed."""
        own = (part for part in self.parts if part.name == name and part.error is None)
        return {part.network: part for part in own}

    def summary(self) -> list[Row]:
        """Return a row per network: what stands on the first page of the report.

        Columns are None where the part is missing. Best layers are chosen on the images on which
        their numbers are reported: a little optimistic.

        - ``preferred_frequency`` and its quartiles ``_low`` and ``_high`` over channels, in cycles
          per degree; ``human_peak``, that of the measured human sensitivity; and
          ``octaves_from_human``, the logarithm of their ratio.
        - ``orientation_selective``: share of tuned channels that respond to the best orientation
          at least twice as strongly as across it (OSI of 1/3 or more).
        - ``color_opponent``: share of those that respond more strongly to a chromatic grating than
          to an achromatic one.
        - ``efficacy_gain``: SRCC of the distance on H-10 minus the median of random sets as large,
          mean of layers, with a bootstrap interval.
        - ``separability_*``: type accuracy, contents left out, at the best layer without reference,
          with interval and chance.
        - ``agreement_*``: SRCC at the best layer and readout, with interval.
        - ``csf_*``: correlation and shape difference of log sensitivity with people's.
        """
        return [self._summary(label) for label in self.networks]

    def _summary(self, network: str) -> Row:
        weights = self.networks[network].get("weights", {})
        row: Row = {"network": network, "weights": weights.get("file", weights.get("source"))}
        row["sha256"] = weights.get("sha256")
        tables = {
            part.name: part.tables
            for part in self.parts
            if part.network == network and part.error is None
        }
        for name, kind in EXAM_PARTS.items():
            row |= kind.findings(tables.get(name, {}), self.facts)
        return row

    def lines(self) -> list[str]:
        """Return a line per network: what its summary says, in words."""
        lines = []
        for row in self.summary():
            said = (kind.sentence(row) for kind in EXAM_PARTS.values())
            text = "; ".join(sentence for sentence in said if sentence is not None)
            lines.append(f"{row['network']}: {text or 'nothing was measured'}")
        return lines

    def tables(self) -> dict[str, list[Row]]:
        """Return every table with the rows of all networks, and the summary."""
        found: dict[str, list[Row]] = {"summary": self.summary()}
        for part in self.parts:
            for name, rows in part.tables.items():
                found.setdefault(name, []).extend({"network": part.network} | row for row in rows)
        return {name: rows for name, rows in found.items() if rows}

    def manifest(self) -> dict[str, Any]:
        """Return what it takes to get the same numbers again, as plain values."""
        return {
            "exam": "examine",
            **self.facts,
            "networks": dict(self.networks),
            "left_out": dict(self.left_out),
            "parts": [
                {
                    "part": part.name,
                    "network": part.network,
                    "seconds": part.seconds,
                    "error": part.error,
                    "manifest": dict(part.manifest),
                }
                for part in self.parts
            ],
        }

    def save(self, folder: str | Path) -> list[Path]:
        """Write every table as Parquet and as CSV (curves as Parquet only), and the manifest.

        Tables of an earlier exam in the same folder that this one does not have are removed: they
        would contradict its manifest. The report is written by `snellen.plots.write_report`.

        Parameters
        ----------
        folder
            Made if it does not exist.

        Returns
        -------
        list of Path
            The files.
        """
        import pyarrow

        folder = Path(folder)
        written = [folder / "manifest.json"]
        replace_file(written[0], json.dumps(self.manifest(), indent=2, default=str) + "\n")
        for name, rows in self.tables().items():
            table = pyarrow.Table.from_pylist(rows)
            written.append(write_arrow(folder / f"{name}.parquet", table))
            if not any(pyarrow.types.is_list(kind) for kind in table.schema.types):
                written.append(write_arrow(folder / f"{name}.csv", table))
        for stale in (folder / f"{name}.{form}" for name in TABLES for form in ("csv", "parquet")):
            if stale not in written:
                stale.unlink(missing_ok=True)
        return written
