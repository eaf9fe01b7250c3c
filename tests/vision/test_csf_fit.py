import gzip
from dataclasses import replace

import numpy as np
import pytest

from snellen.errors import DatasetError
from snellen.vision import (
    HUMAN_CSF,
    CSFModel,
    MechanismCSF,
    Thresholds,
    compare_curves,
    fit_csf,
    fitted_thresholds,
    load_castlecsf,
    mechanism_signals,
)
from tests.vision.inside import RGB_TO_LMS

WHITE = RGB_TO_LMS.sum(axis=1)


@pytest.fixture(scope="module")
def measured(shared):
    return load_castlecsf(shared / "reference" / "castlecsf")


def made(model, noise=0.0, n=300):
    """Thresholds of a model observer: mixed colours, sizes and luminances."""
    rng = np.random.default_rng(5)
    cones = rng.normal(size=(n, 3)) * (1, 1, 3)
    cones[: n // 3] = 1.0
    cones[n // 3 : n // 2] = (1 / WHITE[0], -1 / WHITE[1], 0)
    cones[n // 2 : 2 * n // 3] = (0, 0, 1)
    unit = cones / np.sqrt(np.square(cones).mean(axis=1, keepdims=True))

    def fill(value):
        return np.full(n, value)

    thresholds = Thresholds(
        study=np.array(["made"] * n),
        stimulus=np.array(["grating"] * n),
        frequency=np.exp(rng.uniform(np.log(0.1), np.log(30), n)),
        luminance=np.exp(rng.uniform(0, np.log(300), n)),
        area=np.exp(rng.uniform(np.log(0.05), np.log(100), n)),
        temporal_frequency=fill(0.0),
        eccentricity=fill(0.0),
        orientation=fill(0.0),
        sensitivity=fill(1.0),
        background=np.tile(WHITE * 50, (n, 1)),
        cones=unit,
    )
    sensitivity = model.predict(thresholds) * 10 ** rng.normal(0, noise, n)
    return replace(thresholds, sensitivity=sensitivity, cones=unit / sensitivity[:, None])


def test_the_fit_finds_the_observer_that_made_the_thresholds():
    truth = CSFModel(
        MechanismCSF(500.0, 2.0, 1.4, 1.5, 0.1, 60.0, 0.7, 200.0),
        MechanismCSF(900.0, 0.05, 2.9, 2.0, 0.05, 12.0),
        MechanismCSF(150.0, 0.05, 2.8, 2.0, 0.05, 4.0),
        3.0,
    )
    found = fit_csf(made(truth))
    assert np.sqrt(np.square(found.residuals).mean()) < 2e-3
    f = np.geomspace(0.2, 25, 20)
    for color in ("achromatic", "red-green", "blue-yellow"):
        assert found.model.sensitivity(f, color) == pytest.approx(
            truth.sensitivity(f, color), rel=0.05
        )


def test_single_wild_thresholds_do_not_bend_the_curve():
    thresholds = made(HUMAN_CSF, noise=0.05)
    clean = fit_csf(thresholds).model.sensitivity([1.0, 4.0, 16.0])
    thresholds.sensitivity[::40] *= 30
    thresholds.cones[::40] /= 30
    assert fit_csf(thresholds).model.sensitivity([1.0, 4.0, 16.0]) == pytest.approx(clean, rel=0.25)


def test_parameters_and_model_are_two_forms_of_one():
    assert CSFModel.from_parameters(HUMAN_CSF.parameters()) == HUMAN_CSF


def test_too_few_thresholds_are_refused():
    with pytest.raises(DatasetError, match="21 parameters need more"):
        fit_csf(made(HUMAN_CSF).select(np.arange(20)))


def test_mechanisms_see_their_own_direction_only():
    step = np.array([[1, 1, 1], [1 / WHITE[0], -1 / WHITE[1], 0], [0, 0, 1]], dtype=float)
    signals = mechanism_signals(step, WHITE)
    assert signals[0] == pytest.approx([1, 0, 0])
    assert signals[1] == pytest.approx([0, 1 / WHITE[0] + 1 / WHITE[1], 0], abs=1e-12)
    assert signals[2] == pytest.approx([0, 0, 1])


def test_the_collection_is_whole(measured):
    assert len(measured) == 2295
    assert measured.static.sum() == 1157
    assert len(fitted_thresholds(measured)) == 1014
    # One over the sensitivity is the root-mean-square cone contrast at threshold.
    assert np.sqrt(np.square(measured.cones).mean(axis=1)) * measured.sensitivity == pytest.approx(
        1
    )
    colors = measured.color
    assert set(colors[measured.study == "modelfest"]) == {"achromatic"}
    hdr = measured.select(measured.study == "hdr_csf")
    assert set(hdr.color) == {"achromatic", "red-green", "blue-yellow"}


def test_cone_contrasts_are_those_of_the_merged_table(measured, shared):
    """The collection also comes with directions and backgrounds joined to every threshold."""
    import pyarrow.csv

    table = pyarrow.csv.read_csv(
        shared / "reference" / "castlecsf" / "data_aggregated_merged.csv.gz"
    ).to_pylist()
    known = {
        (row["dataset"], row["sensitivity"]): [row[f"{c}_delta"] / row[c] for c in "LMS"]
        for row in table
        if row["dataset"] in ("rovamo1993", "colorfest", "hdr_csf")
    }
    for i in range(len(measured)):
        key = (str(measured.study[i]), float(measured.sensitivity[i]))
        if key in known:
            assert measured.cones[i] == pytest.approx(known[key], rel=1e-6, abs=1e-12)


def test_the_constants_are_those_of_a_fit_today(measured):
    found = fit_csf(measured)
    f = np.geomspace(0.1, 30, 30)
    for color in ("achromatic", "red-green", "blue-yellow"):
        assert HUMAN_CSF.sensitivity(f, color) == pytest.approx(
            found.model.sensitivity(f, color), rel=0.01
        )
    rows = {(row["study"], row["color"]): row for row in found.rows()}
    assert rows["all", "all"]["n"] == 1014
    assert rows["all", "all"]["rms"] == pytest.approx(0.185, abs=0.002)
    assert rows["modelfest", "achromatic"]["rms"] < 0.12


def test_the_measured_curve_is_nearest_to_the_measurements(measured):
    rows = {row["curve"]: row for row in compare_curves(measured)}
    assert all(row["n"] == 177 for row in rows.values())
    spread = [rows[n]["rms_scaled"] for n in ("measured", "barten", "tariq", "mannos-sakrison")]
    assert spread == sorted(spread)
    assert rows["measured"]["rms"] < rows["barten"]["rms"]
    assert rows["tariq"]["rms"] is None


def test_a_folder_without_the_tables(tmp_path):
    with pytest.raises(DatasetError, match="expected data_aggregated"):
        load_castlecsf(tmp_path)


def test_tables_that_do_not_fit_together(tmp_path):
    (tmp_path / "data_aggregated.csv").write_text("dataset,col_dir_id,bkg_id\nmine,1,1\n")
    (tmp_path / "color_directions.csv").write_text(
        "dataset,col_dir_id,L_delta,M_delta,S_delta\nmine,2,1,1,1\n"
    )
    (tmp_path / "backgrounds.csv").write_text("bkg_id,L,M,S\n1,1,1,1\n")
    with pytest.raises(DatasetError, match=r"mine.*1.*missing"):
        load_castlecsf(tmp_path)
    damaged = tmp_path / "backgrounds.csv"
    damaged.write_bytes(gzip.compress(b"x"))
    with pytest.raises(DatasetError, match=r"backgrounds\.csv"):
        load_castlecsf(tmp_path)
