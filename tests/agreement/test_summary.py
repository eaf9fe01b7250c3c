import csv
import io

import numpy as np
import pyarrow as pa
import pytest

from snellen.agreement import STATISTICS, Resampling, agree, agreement_table, mean_over_databases
from snellen.errors import AgreementError


class TestMean:
    def test_plain_and_by_size(self):
        assert mean_over_databases([0.9, 0.5]) == pytest.approx(0.7)
        assert mean_over_databases([0.9, 0.5], sizes=[3000, 1000]) == pytest.approx(0.8)

    def test_fisher(self):
        expected = np.tanh((3 * np.arctanh(0.9) + np.arctanh(0.5)) / 4)
        assert mean_over_databases([0.9, 0.5], [3, 1], fisher=True) == pytest.approx(expected)
        assert mean_over_databases([1.0, 0.5], fisher=True) == 1

    @pytest.mark.parametrize(
        ("values", "options"),
        [
            ([], {}),
            ([0.5, np.nan], {}),
            ([0.5], {"sizes": [0]}),
            ([0.5], {"sizes": [1, 2]}),
            ([1.5], {"fisher": True}),
            ([1.0, -1.0], {"fisher": True}),
        ],
    )
    def test_what_has_no_mean(self, values, options):
        with pytest.raises(AgreementError):
            mean_over_databases(values, **options)


class TestTable:
    def results(self):
        rng = np.random.default_rng(0)
        y = rng.normal(size=40)
        x = y + rng.normal(size=40)
        how = Resampling(resamples=50)
        types = np.array(["blur", "noise"] * 20)
        return {
            ("psnr", "made"): agree(x, y, types=types, resampling=how),
            ("constant", "made"): agree(np.ones(40), y, resampling=how),
        }

    def test_rows_have_the_same_keys_and_go_into_files(self):
        results = self.results()
        rows = agreement_table(results)
        assert [(row["metric"], row["type"]) for row in rows] == [
            ("psnr", ""),
            ("psnr", "blur"),
            ("psnr", "noise"),
            ("constant", ""),
        ]
        assert len({tuple(row) for row in rows}) == 1
        table = pa.Table.from_pylist(rows)
        whole = results["psnr", "made"]
        for name in STATISTICS:
            ends = [table[f"{name}{end}"][0].as_py() for end in ("", "_low", "_high")]
            assert ends == pytest.approx(getattr(whole, name))
        fitted = [float(text) for text in rows[0]["fit_parameters"].split()]
        assert tuple(fitted) == whole.fit.parameters
        stream = io.StringIO()
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
        assert len(stream.getvalue().splitlines()) == 5

    def test_undefined_is_none_and_says_why(self):
        *_, row = agreement_table(self.results())
        assert row["srcc"] is None
        assert row["fit_converged"] is None
        assert "All scores are 1.0" in row["fit_note"]

    def test_without_types(self):
        assert len(agreement_table(self.results(), types=False)) == 2
