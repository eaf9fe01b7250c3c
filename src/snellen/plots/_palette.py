"""Colours that are told apart side by side, after Paul Tol's schemes for colour-blind readers."""

COLORS = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee7733", "#009988",
    "#332288", "#882255", "#999933", "#777777",
)  # fmt: skip
