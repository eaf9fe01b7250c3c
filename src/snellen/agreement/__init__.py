"""Agreement of metrics with people: correlations, curves, choices, intervals, significance."""

from snellen.agreement._agree import STATISTICS, Agreement, agree
from snellen.agreement._bootstrap import Estimate, Resampling, bootstrap_mean
from snellen.agreement._choices import jnd_map, two_afc_score, two_afc_values
from snellen.agreement._compare import Comparison, compare, holm
from snellen.agreement._correlation import krcc, plcc, rmse, srcc
from snellen.agreement._logistic import LogisticFit, fit_logistic
from snellen.agreement._rank_bootstrap import Drawn, RankAgreement
from snellen.agreement._significance import (
    TwoMetricTest,
    residual_variance_test,
    williams_test,
)
from snellen.agreement._summary import agreement_table, mean_over_databases

__all__ = [
    "STATISTICS",
    "Agreement",
    "Comparison",
    "Drawn",
    "Estimate",
    "LogisticFit",
    "RankAgreement",
    "Resampling",
    "TwoMetricTest",
    "agree",
    "agreement_table",
    "bootstrap_mean",
    "compare",
    "fit_logistic",
    "holm",
    "jnd_map",
    "krcc",
    "mean_over_databases",
    "plcc",
    "residual_variance_test",
    "rmse",
    "srcc",
    "two_afc_score",
    "two_afc_values",
    "williams_test",
]
