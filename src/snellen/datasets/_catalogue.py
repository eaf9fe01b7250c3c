"""The databases that Snellen reads, as data."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snellen.datasets import _kadid, _tid
from snellen.datasets._authentic import read_cid2013, read_koniq10k, read_spaq
from snellen.datasets._bapps import read_bapps_2afc, read_bapps_jnd
from snellen.datasets._build import Ratings
from snellen.datasets._csiq import read_csiq
from snellen.datasets._live import read_clive, read_live, read_live_md
from snellen.datasets._multiple import read_mdid, read_mdivl
from snellen.datasets._pieapp import read_pieapp, read_pieapp_pairs
from snellen.datasets._pipal import read_pipal


@dataclass(frozen=True, kw_only=True)
class Database:
    """What holds for one database, wherever its files lie.

    Parameters
    ----------
    name, title, citation
        Its name here, its full name, and the work to cite.
    size
        Number of rows of the complete release; None where it is not known.
    protocol
        What is to know before comparing with published numbers.
    """

    name: str
    title: str
    citation: str
    size: int | None
    protocol: str


@dataclass(frozen=True, kw_only=True)
class RatedDatabase(Database):
    """A database of images with scores; `Dataset` explains the fields."""

    read: Callable[[Path], Ratings]
    higher_better: bool
    range: tuple[float, float] | None
    unordered: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class JudgedDatabase(Database):
    """A database of judgements of pairs or triplets, whose loader gives the columns."""

    read: Callable[[Path], dict[str, Any]]


RATED: dict[str, RatedDatabase] = {
    row.name: row
    for row in (
        RatedDatabase(
            name="live",
            title="LIVE Image Quality Assessment Database, release 2",
            citation="Sheikh, Sabir, Bovik, IEEE TIP 15(11), 3440-3451, 2006",
            size=779,
            protocol="Realigned DMOS; the 203 undistorted copies are left out.",
            read=read_live,
            higher_better=False,
            range=None,
        ),
        RatedDatabase(
            name="live-md",
            title="LIVE Multiply Distorted Image Quality Database",
            citation="Jayaraman, Mittal, Moorthy, Bovik, Asilomar, 1693-1697, 2012",
            size=450,
            protocol="Both parts, DMOS. The 45 blurred images without a second distortion occur in "
            "both parts, with a score from each.",
            read=read_live_md,
            higher_better=False,
            range=(0, 100),
        ),
        RatedDatabase(
            name="clive",
            title="LIVE In the Wild Image Quality Challenge Database",
            citation="Ghadiyaram, Bovik, IEEE TIP 25(1), 372-387, 2016",
            size=1162,
            protocol="The seven images that trained the observers are left out.",
            read=read_clive,
            higher_better=True,
            range=(0, 100),
        ),
        RatedDatabase(
            name="csiq",
            title="Categorical Image Quality (CSIQ) database",
            citation="Larson, Chandler, Journal of Electronic Imaging 19(1), 011006, 2010",
            size=866,
            protocol="DMOS; images without a rating are left out.",
            read=read_csiq,
            higher_better=False,
            range=(0, 1),
        ),
        RatedDatabase(
            name="tid2008",
            title="Tampere Image Database 2008",
            citation="Ponomarenko et al., Advances of Modern Radioelectronics 10, 30-45, 2009",
            size=1700,
            protocol="score_std is that of the file mos_std.txt.",
            read=_tid.read_tid2008,
            higher_better=True,
            range=(0, 9),
            unordered=_tid.UNORDERED,
        ),
        RatedDatabase(
            name="tid2013",
            title="Tampere Image Database 2013",
            citation="Ponomarenko et al., Signal Processing: Image Communication 30, 57-77, 2015",
            size=3000,
            protocol="score_std is that of the file mos_std.txt.",
            read=_tid.read_tid2013,
            higher_better=True,
            range=(0, 9),
            unordered=_tid.UNORDERED,
        ),
        RatedDatabase(
            name="kadid10k",
            title="Konstanz Artificially Distorted Image quality Database",
            citation="Lin, Hosu, Saupe, QoMEX, 1-3, 2019",
            size=10125,
            protocol="The column called dmos is a mean opinion score, high is good; the one called "
            "var is a standard deviation. Four (type, level) pairs are identical to the reference.",
            read=_kadid.read_kadid10k,
            higher_better=True,
            range=(1, 5),
            unordered=_kadid.UNORDERED,
        ),
        RatedDatabase(
            name="mdid",
            title="Multiply Distorted Image Database (2016)",
            citation="Sun, Zhou, Liao, Pattern Recognition 61, 153-168, 2017",
            size=1600,
            protocol="Random mixtures of up to five distortions; component levels are not read.",
            read=read_mdid,
            higher_better=True,
            range=(0, 8),
        ),
        RatedDatabase(
            name="mdivl",
            title="Multiple Distorted IVL database",
            citation="Corchs, Gasparini, Schettini, Electronic Imaging (IQSP XI), 2014; "
            "Corchs, Gasparini, Journal of Electronic Imaging 26(6), 2017",
            size=750,
            protocol="Blur followed by JPEG, and noise followed by JPEG.",
            read=read_mdivl,
            higher_better=True,
            range=(0, 100),
        ),
        RatedDatabase(
            name="koniq10k",
            title="KonIQ-10k",
            citation="Hosu, Lin, Sziranyi, Saupe, IEEE TIP 29, 4041-4056, 2020",
            size=10073,
            protocol="Mean and standard deviation of the ratings 1 to 5, not MOS_zscore.",
            read=read_koniq10k,
            higher_better=True,
            range=(1, 5),
        ),
        RatedDatabase(
            name="spaq",
            title="Smartphone Photography Attribute and Quality database",
            citation="Fang, Zhu, Zeng, Ma, Wang, CVPR, 3677-3686, 2020",
            size=11125,
            protocol="Images of many sizes, up to several thousand pixels; the field scales them "
            "before scoring, in more than one way: state yours.",
            read=read_spaq,
            higher_better=True,
            range=(0, 100),
        ),
        RatedDatabase(
            name="cid2013",
            title="CID2013, a database for no-reference image quality assessment",
            citation="Virtanen, Nuutinen, Vaahteranoksa, Oittinen, Hakkinen, IEEE TIP 24(1), "
            "390-402, 2015",
            size=474,
            protocol="MOS realigned over the six image sets; content is set and scene.",
            read=read_cid2013,
            higher_better=True,
            range=None,
        ),
        RatedDatabase(
            name="pipal",
            title="PIPAL: perceptual image restoration, training part",
            citation="Gu et al., ECCV, 633-651, 2020",
            size=23200,
            protocol="Elo scores; only the labelled training part.",
            read=read_pipal,
            higher_better=True,
            range=None,
        ),
        RatedDatabase(
            name="pieapp",
            title="PieAPP, test images",
            citation="Prashnani, Cai, Mostofi, Sen, CVPR, 1808-1817, 2018",
            size=600,
            protocol="Dissimilarity estimated from pairs, low is good; the reference has 0.",
            read=read_pieapp,
            higher_better=False,
            range=None,
        ),
    )
}
"""Databases of images with scores."""

COMPARED: dict[str, JudgedDatabase] = {
    row.name: row
    for row in (
        JudgedDatabase(
            name="bapps-2afc",
            title="Berkeley-Adobe Perceptual Patch Similarity, two-alternative choices",
            citation="Zhang, Isola, Efros, Shechtman, Wang, CVPR, 586-595, 2018",
            size=None,
            protocol="Patches of 64x64. Published tables average the types of the validation part.",
            read=read_bapps_2afc,
        ),
        JudgedDatabase(
            name="pieapp-pairs",
            title="PieAPP, preferences between pairs",
            citation="Prashnani, Cai, Mostofi, Sen, CVPR, 1808-1817, 2018",
            size=None,
            protocol="Only pairs that people judged, without estimated labels.",
            read=read_pieapp_pairs,
        ),
    )
}
"""Databases of comparisons of two images with a reference."""

JND: dict[str, JudgedDatabase] = {
    "bapps-jnd": JudgedDatabase(
        name="bapps-jnd",
        title="Berkeley-Adobe Perceptual Patch Similarity, just noticeable differences",
        citation="Zhang, Isola, Efros, Shechtman, Wang, CVPR, 586-595, 2018",
        size=None,
        protocol="Patches of 64x64, validation part only.",
        read=read_bapps_jnd,
    )
}
"""Databases of pairs judged as same or different."""

ALIASES = {
    "livemd": "live-md",
    "livemultiplydistorted": "live-md",
    "liver2": "live",
    "livechallenge": "clive",
    "liveinthewild": "clive",
    "liveitw": "clive",
    "livec": "clive",
    "kadid": "kadid10k",
    "koniq": "koniq10k",
    "mdid2016": "mdid",
    "bapps2afc": "bapps-2afc",
    "bappsjnd": "bapps-jnd",
    "pieapppairs": "pieapp-pairs",
}
"""Other names in use, without hyphens, underscores and spaces."""
