"""What the measures of the report are: formulas and sources."""

from html import escape

_TERMS = (
    (
        "Preferred frequency",
        "Peak of the response to gratings over spatial frequency, at the best orientation, between "
        "samples by Akima's interpolation; cycles per degree. Bandwidth: octaves between half "
        "heights.",
        "",
    ),
    (
        "OSI, orientation selectivity",
        "(r_p - r_o) / (r_p + r_o): response at the best orientation and across it. That 1/3 or "
        "more counts as selective, i.e. twice the response, is this project's choice.",
        "",
    ),
    (
        "Circular variance",
        "1 - |Σ r_j exp(2iθ_j)| / Σ r_j: 0 for one orientation only, 1 for all alike.",
        "Ringach, Shapley, Hawken, J. Neuroscience 22(13), 2002",
    ),
    (
        "Phase modulation",
        "F1 / (F1 + |F0|) over the phases of a grating: 0 for complex cells, 1 for linear ones; "
        "0.5 is the border between simple and complex.",
        "Skottun et al., Vision Research 31, 1991",
    ),
    (
        "Colour opponency",
        "c / (c + a): strongest response to red-green or blue-yellow gratings (c) and to "
        "achromatic ones (a), at the same contrast of the primary that is modulated most. That "
        "1/2 or more counts as preferring colour is this project's choice.",
        "",
    ),
    (
        "Perceptual efficacy",
        "μ1 μ2 / (Σ μ1 Σ μ2), sums over the layer's channels: μ1 sums how much the response "
        "changes with frequency, weighted by human contrast sensitivity; μ2 is the squared "
        "deviation of the response over orientations. H-x: the channels of largest efficacy, "
        "x percent of a layer; L-x: those of least; F: all.",
        "Tariq, Tursun, Kim, Didyk, ECCV 2020, Eqs. 1 to 8; the controls are this project's",
    ),
    (
        "Type accuracy, level accuracy",
        "Share of images whose type (level) of distortion is that of the nearest image of another "
        "content, in principal components fitted without the image's own content.",
        "question of Bianco, Celona, Napoletano, Pattern Recognition Letters 148, 2021; the "
        "measure is this project's",
    ),
    (
        "Silhouette",
        "(b - a) / max(a, b), mean over images: distance to images of the own type (a) and of the "
        "nearest other type (b).",
        "Rousseeuw, J. Comput. Appl. Math. 20, 1987",
    ),
    (
        "SRCC, PLCC",
        "Spearman's rank correlation with human scores; Pearson's correlation. Signed so that 1 "
        "is full agreement.",
        "",
    ),
    (
        "Contrast sensitivity",
        "One over the contrast at which a grating is just told from grey. Of people: fitted by "
        "this project to the thresholds that castleCSF collects, at 100 cd/m². RMS of shape: of "
        "the difference of log10 sensitivities after the best factor.",
        "Ashraf et al., castleCSF, Journal of Vision 24(4), 2024",
    ),
    (
        "Interval",
        "Percentile bootstrap over reference contents, 95 %: what other contents would have "
        "given. It does not cover another choice of people, types or networks.",
        "",
    ),
)


def glossary_html() -> str:
    """Return the section of measures."""
    entries = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}"
        + (f' <span class="soft">Source: {escape(source)}.</span>' if source else "")
        + "</dd>"
        for name, text, source in _TERMS
    )
    return f'<section id="glossary"><h2>Measures</h2><dl>{entries}</dl></section>'
