"""The statistics of an evaluation: pure functions of plain numbers.

    from tracekit.statistics import interval, non_inferiority

    interval([True] * 18 + [False] * 2)              # Wilson: 0.90 [0.70, 0.97]
    non_inferiority(baseline, candidate, margin=0.05)    # pass, fail or inconclusive

NaN is refused, results repeat exactly (every random draw has a seed), and each function names
its formula and source. The correlations of `tracekit.statistics.correlation` are imported from
there: they load `scipy.stats`, which nothing else here does.
"""

from tracekit.statistics.agreement import Agreement, agreement, krippendorff_alpha
from tracekit.statistics.bias import (
    LengthBias,
    PositionBias,
    SelfConsistency,
    length_bias,
    position_bias,
    self_consistency,
)
from tracekit.statistics.bootstrap import bootstrap
from tracekit.statistics.comparison import (
    Comparison,
    Pairs,
    changes,
    cohens_h,
    compare,
    pair,
    row_changes,
    tango,
)
from tracekit.statistics.gate import Gate, decide, non_inferiority, threshold
from tracekit.statistics.inference import Corrected, corrected_mean, rogan_gladen, stratified
from tracekit.statistics.intervals import (
    Interval,
    clopper_pearson,
    interval,
    quantile_interval,
    ratio_interval,
    wilson,
)
from tracekit.statistics.power import (
    Variances,
    critical_false_alarm,
    mcnemar_power,
    rows_for_difference,
    rows_for_margin,
    rows_for_mcnemar,
    rows_to_certify,
    rows_to_pass,
    smallest_difference,
    smallest_margin,
    trials_for_margin,
    variance_components,
)
from tracekit.statistics.sequential import boundaries, look_alphas, settled
from tracekit.statistics.significance import (
    benjamini_hochberg,
    holm,
    mcnemar,
    shuffle,
    sign_flip,
    wilcoxon,
)

__all__ = [
    "Agreement",
    "Comparison",
    "Corrected",
    "Gate",
    "Interval",
    "LengthBias",
    "Pairs",
    "PositionBias",
    "SelfConsistency",
    "Variances",
    "agreement",
    "benjamini_hochberg",
    "bootstrap",
    "boundaries",
    "changes",
    "clopper_pearson",
    "cohens_h",
    "compare",
    "corrected_mean",
    "critical_false_alarm",
    "decide",
    "holm",
    "interval",
    "krippendorff_alpha",
    "length_bias",
    "look_alphas",
    "mcnemar",
    "mcnemar_power",
    "non_inferiority",
    "pair",
    "position_bias",
    "quantile_interval",
    "ratio_interval",
    "rogan_gladen",
    "row_changes",
    "rows_for_difference",
    "rows_for_margin",
    "rows_for_mcnemar",
    "rows_to_certify",
    "rows_to_pass",
    "self_consistency",
    "settled",
    "shuffle",
    "sign_flip",
    "smallest_difference",
    "smallest_margin",
    "stratified",
    "tango",
    "threshold",
    "trials_for_margin",
    "variance_components",
    "wilcoxon",
    "wilson",
]
