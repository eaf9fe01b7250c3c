"""The readouts' definitions, computed directly in float64: loops instead of tricks.

Every function takes one layer of two images, arrays (C, h, w), and returns a number.
"""

import numpy as np
from scipy.spatial.distance import cosine as scipy_cosine
from scipy.special import log_softmax


def euclidean(f, g):
    return np.sqrt(((f - g) ** 2).sum())


def rms(f, g):
    return np.sqrt(((f - g) ** 2).mean())


def squared(f, g):
    return ((f - g) ** 2).mean()


def cosine_position(f, g):
    pairs = zip(f.reshape(len(f), -1).T, g.reshape(len(g), -1).T, strict=True)
    return np.mean([scipy_cosine(u, v) for u, v in pairs])


def cosine_flattened(f, g):
    return scipy_cosine(f.ravel(), g.ravel())


def cosine_channel(f, g):
    return np.mean([scipy_cosine(u.ravel(), v.ravel()) for u, v in zip(f, g, strict=True)])


def calibrated(f, g, weights=None):
    weights = np.ones(len(f)) if weights is None else weights
    f, g = (t / (np.sqrt((t**2).sum(0)) + 1e-10) for t in (f, g))
    return (weights[:, None, None] * (f - g) ** 2).sum(0).mean()


def structure_texture(f, g, alpha=None, beta=None, c1=1e-6, c2=1e-6):
    alpha, beta = (np.ones(len(f)) if w is None else w for w in (alpha, beta))
    similarity = 0.0
    for u, v, a, b in zip(f, g, alpha, beta, strict=True):
        texture = (2 * u.mean() * v.mean() + c1) / (u.mean() ** 2 + v.mean() ** 2 + c1)
        covariance = ((u - u.mean()) * (v - v.mean())).mean()
        similarity += a * texture + b * (2 * covariance + c2) / (u.var() + v.var() + c2)
    return 1 - similarity / (alpha.sum() + beta.sum())


def means(f, g):
    return np.linalg.norm(f.mean((1, 2)) - g.mean((1, 2)))


def means_and_deviations(f, g):
    return np.hypot(means(f, g), np.linalg.norm(f.std((1, 2)) - g.std((1, 2))))


def gram(f, g):
    matrices = [np.einsum("ahw,bhw->ab", t, t) / (t.shape[1] * t.shape[2]) for t in (f, g)]
    return np.linalg.norm(matrices[0] - matrices[1])


def distance_correlation(f, g):
    a, b = (_centred_distances(t.reshape(len(t), -1)) for t in (f, g))
    return 1 - ((a * b).sum() + 1e-6) / (np.sqrt((a**2).sum() * (b**2).sum()) + 1e-6)


def _centred_distances(rows):
    squares = ((rows[:, None] - rows[None]) ** 2).sum(-1)
    a = np.sqrt(squares / len(rows) ** 2 + 1e-5)
    return a - a.mean(0) - a.mean(1)[:, None] + a.mean()


def wasserstein(f, g, window=None):
    distances = []
    for u, v in zip(f, g, strict=True):
        for tile in _tiles(u.shape, window):
            distances.append(((np.sort(u[tile].ravel()) - np.sort(v[tile].ravel())) ** 2).mean())
    return np.mean(distances)


def _tiles(shape, window):
    if window is None or min(shape) < window:
        return [(slice(None), slice(None))]
    tops = range(0, shape[0] - window + 1, window)
    lefts = range(0, shape[1] - window + 1, window)
    return [(slice(t, t + window), slice(x, x + window)) for t in tops for x in lefts]


def deepwsd(f, g, window=8):
    return _divergence(f, g, window, _positions_cost)


def symmetric_kl(f, g, window=4):
    return _divergence(f, g, window, _symmetric_kl)


def _divergence(f, g, k, divergence):
    """As published, but for the last fourth root: windows by plain reshape of the padded map."""
    f, g = (_pad(t, k).reshape(k * k, -1) for t in (f, g))
    distances = []
    for j in range(f.shape[1]):
        d = divergence(f[:, j], g[:, j], f.sum(), g.sum())
        w = 1 / (np.sqrt(np.exp(-1 / (d + 10))) * (d + 10) ** 2)
        distances.append(d + ((f[:, j] - g[:, j]) ** 2).sum() * w)
    return np.log1p(np.mean(distances)) ** 0.25


def _pad(t, k):
    bottom, left = (max(1, round(side / k)) * k - side for side in t.shape[1:])
    t = t[:, : t.shape[1] + min(bottom, 0), -min(left, 0) :]
    return np.pad(t, ((0, 0), (0, max(bottom, 0)), (max(left, 0), 0)))


def _positions_cost(u, v, sum_f, sum_g):
    """Squared 2-Wasserstein distance between positions, by moving mass from left to right.

    Where one side has more mass, the rest goes to the last position, as in POT.
    """
    p, q = list(u**2 / (sum_f + 1e-6)), list(v**2 / (sum_g + 1e-6))
    cost, i, j, last = 0.0, 0, 0, len(p) - 1
    while i <= last or j <= last:
        left = p[i] if i <= last else np.inf
        right = q[j] if j <= last else np.inf
        moved = min(left, right)
        cost += moved * (min(i, last) - min(j, last)) ** 2
        if i <= last:
            p[i] -= moved
        if j <= last:
            q[j] -= moved
        i, j = i + (left <= right), j + (right <= left)
    return cost


def _symmetric_kl(u, v, *_):
    p, q = log_softmax(u), log_softmax(v)
    return 0.5 * ((np.exp(p) * (p - q)).sum() + (np.exp(q) * (q - p)).sum())


CASES = [
    ("euclidean", {}, euclidean),
    ("euclidean", {"rms": True}, rms),
    ("squared", {}, squared),
    ("cosine", {}, cosine_position),
    ("cosine", {"reading": "flattened"}, cosine_flattened),
    ("cosine", {"reading": "channel"}, cosine_channel),
    ("calibrated", {}, calibrated),
    ("structure-texture", {}, structure_texture),
    ("statistics", {"moments": "mean"}, means),
    ("statistics", {}, means_and_deviations),
    ("statistics", {"moments": "gram"}, gram),
    ("distance-correlation", {}, distance_correlation),
    ("wasserstein", {}, wasserstein),
    ("wasserstein", {"window": 3}, lambda f, g: wasserstein(f, g, 3)),
    ("deepwsd", {}, deepwsd),
    ("deepwsd", {"window": 4}, lambda f, g: deepwsd(f, g, 4)),
    ("symmetric-kl", {}, symmetric_kl),
    ("symmetric-kl", {"window": 8}, lambda f, g: symmetric_kl(f, g, 8)),
]
READINGS = {
    "position": cosine_position,
    "flattened": cosine_flattened,
    "channel": cosine_channel,
}
IDS = [f"{name} {options or ''}".strip() for name, options, _ in CASES]
