import math

import pytest

from snellen.diagnosis import families_of, findings_of
from snellen.distortions import LEVELS, DistortionType, find_distortion, list_distortions


def family(name, level):
    return [finding.family for finding in findings_of(find_distortion(name), level)]


@pytest.mark.parametrize("kind", list_distortions(), ids=lambda kind: kind.name)
def test_every_level_of_the_catalogue_lies_on_a_ladder(kind):
    findings = [findings_of(kind, level) for level in LEVELS]
    if not kind.signed:
        assert len({tuple(one.family for one in level) for level in findings}) == 1
        firsts = [level[0].severity for level in findings]
        assert firsts == sorted(firsts) or all(map(math.isnan, firsts))
    for finding in (one for level in findings for one in level):
        assert math.isnan(finding.severity) or 0.5 <= finding.severity <= 5


def test_synonyms_are_one_family():
    assert family("jpeg", 5) == family("tid-jpeg", 5) == ["jpeg"]
    assert family("tid-comfort-noise", 2) == ["comfort-noise"]


def test_a_shift_of_the_mean_has_a_direction():
    shift = find_distortion("mean-shift")
    expected = {1: ["brighten"], 0: [], -1: ["darken"]}
    for level in LEVELS:
        sign = (shift.strength(level) > 0) - (shift.strength(level) < 0)
        assert family("mean-shift", level) == expected[sign]


def test_compressed_noise_is_noise_and_jpeg():
    assert family("tid-noisy-compression", 3) == ["noise", "jpeg"]
    assert "noisy-compression" not in families_of(list_distortions())


def test_an_own_type_is_a_family_of_its_own():
    own = DistortionType(
        "halve", "brightness", (0.9, 0.8, 0.7, 0.6, 0.5), lambda x, k, seeds: x * k, "factor", "own"
    )
    (finding,) = findings_of(own, 4)
    assert (finding.family, finding.severity) == ("halve", 4)
    assert families_of([own, find_distortion("jpeg"), find_distortion("tid-jpeg")]) == (
        "halve",
        "jpeg",
    )
