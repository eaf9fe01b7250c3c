"""Statistics of pixels that features of a network miss: grids, clipping, gaps, misregistration.

Everything is a mean, a share or a rank over positions, so that it does not grow with the image;
everything is taken at the image's own pixels, because resizing removes what is to be found.
"""

import math

import torch
from torch import Tensor

from snellen.diagnosis._grid import grid_statistics
from snellen.images import luma

_FLOOR = 1e-4
_LAGS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (2, 2))
_LARGEST_SHIFT = 14
_STRIDE = 3  # ranks of every third position are as good as those of all


def pixel_statistics(batch: Tensor) -> Tensor:
    """Describe the pixels of images.

    Parameters
    ----------
    batch
        Image batch (N, 3, H, W) of 32 pixels a side or more.

    Returns
    -------
    statistics
        (N, P), most on a logarithmic scale.
    """
    gray = luma(batch)[:, 0]
    chroma = torch.stack([batch[:, 2] - gray, batch[:, 0] - gray], 1)
    parts = [
        *_tones(gray, batch),
        *_colours(batch, chroma),
        *_residuals(gray, batch, chroma),
        *_outliers(batch),
        *_discreteness(batch),
        *_directions(gray),
        *_registration(batch),
        *grid_statistics(gray, chroma[:, 0]),
    ]
    return torch.cat([part.reshape(len(batch), -1) for part in parts], 1).float()


def _log(values: Tensor) -> Tensor:
    return (values.double() + _FLOOR).log().float()


def _shifted(plane: Tensor, down: int, right: int) -> tuple[Tensor, Tensor]:
    """Return views of a plane and of itself moved, where they overlap."""
    height, width = plane.shape[-2:]
    here = plane[..., : height - down, : width - right]
    return here, plane[..., down:, right:]


def _tones(gray: Tensor, batch: Tensor) -> list[Tensor]:
    """Moments and ranks of luminance, and what was cut off at black and white."""
    flat = gray.flatten(1)
    mean = flat.mean(1, keepdim=True)
    deviation = flat.std(1, keepdim=True)
    skew = (((flat - mean) / (deviation + 1e-3)) ** 3).mean(1)
    ordered = flat[:, ::_STRIDE].sort(1).values
    places = [round(p * (ordered.shape[1] - 1)) for p in (0.01, 0.1, 0.5, 0.9, 0.99)]
    black = _log((batch <= 0.5 / 255).float().mean((2, 3)))
    white = _log((batch >= 254.5 / 255).float().mean((2, 3)))
    extremes = list(flat.aminmax(dim=1))
    return [mean, _log(deviation), skew, ordered[:, places], *extremes, black, white]


def _colours(batch: Tensor, chroma: Tensor) -> list[Tensor]:
    saturation = batch.amax(1) - batch.amin(1)
    flat = saturation.flatten(1)
    some = flat[:, ::_STRIDE]
    high = some.kthvalue(round(0.9 * some.shape[1]), 1).values
    means, deviations = chroma.mean((2, 3)), chroma.flatten(2).std(2)
    return [_log(flat.mean(1)), _log(flat.std(1)), high, means, _log(deviations)]


def _laplacian(plane: Tensor) -> Tensor:
    """Second difference along both axes: blind to edges along them, mostly noise."""
    rows = plane[..., 2:, :] - 2 * plane[..., 1:-1, :] + plane[..., :-2, :]
    return (rows[..., 2:] - 2 * rows[..., 1:-1] + rows[..., :-2]) / 6


def _residuals(gray: Tensor, batch: Tensor, chroma: Tensor) -> list[Tensor]:
    """Strength of noise, its spectrum, its colours, and how it depends on brightness."""
    residual = _laplacian(torch.cat([batch, gray[:, None], chroma], 1))
    size = residual.abs()
    flat = size.flatten(2)
    middle = flat[..., ::_STRIDE].median(2).values
    mean = flat.mean(2)
    spread = flat.square().mean(2).sqrt()
    peaks = _log(spread) - _log(middle)
    own = residual[:, 3]
    lags = torch.stack([_correlation(*_shifted(own, *lag)) for lag in _LAGS], 1)
    red, green, blue = residual[:, :3].unbind(1)
    between = torch.stack(
        [_correlation(red, green), _correlation(green, blue), _correlation(red, blue)], 1
    )
    brightness = _by_brightness(size[:, 3], gray[:, 1:-1, 1:-1])
    return [_log(middle), _log(mean), peaks, lags, between, *brightness]


def _correlation(first: Tensor, second: Tensor) -> Tensor:
    a, b = first.flatten(1), second.flatten(1)
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    energy = (a.square().mean(1) * b.square().mean(1)).sqrt()
    return (a * b).mean(1) / (energy + 1e-7)


def _by_brightness(size: Tensor, gray: Tensor) -> list[Tensor]:
    """Size of the residual in dark, middle and bright parts against the mean over all."""
    overall = size.mean((1, 2))
    relative = []
    for low, high in ((0, 0.3), (0.3, 0.65), (0.65, 1.01)):
        mask = ((gray >= low) & (gray < high)).float()
        # A part that is hardly there is taken to be like the rest.
        weight = mask.mean((1, 2)) + 0.01
        part = ((size * mask).mean((1, 2)) + 0.01 * overall) / weight
        relative.append(_log(part) - _log(overall))
    return [*relative, _correlation(size, gray)]


def _outliers(batch: Tensor) -> list[Tensor]:
    """Share of samples that stand out from all four neighbours, and of black or white ones."""
    centre = batch[..., 1:-1, 1:-1]
    up, down = batch[..., :-2, 1:-1], batch[..., 2:, 1:-1]
    left, right = batch[..., 1:-1, :-2], batch[..., 1:-1, 2:]
    above = centre - torch.maximum(torch.maximum(up, down), torch.maximum(left, right))
    below = torch.minimum(torch.minimum(up, down), torch.minimum(left, right)) - centre
    shares = [
        (side > limit).float().mean((1, 2, 3)) for side in (above, below) for limit in (0.06, 0.2)
    ]
    lonely_white = ((centre >= 254.5 / 255) & (above > 0.1)).float().mean((1, 2, 3))
    lonely_black = ((centre <= 0.5 / 255) & (below > 0.1)).float().mean((1, 2, 3))
    return [_log(share) for share in (*shares, lonely_white, lonely_black)]


def _discreteness(batch: Tensor) -> list[Tensor]:
    """Equal neighbours, tones that are missing between others, and the number of colours."""
    values = (batch * 255).round().long()
    equal = [
        _log((values[..., lag:] == values[..., :-lag]).all(1).float().mean((1, 2)))
        for lag in (1, 2)
    ]
    equal += [
        _log((values[..., lag:, :] == values[..., :-lag, :]).all(1).float().mean((1, 2)))
        for lag in (1, 2)
    ]
    return [*equal, *(torch.stack(column) for column in zip(*map(_tally, values), strict=True))]


def _tally(values: Tensor) -> tuple[Tensor, ...]:
    """Count the colours and tones of one image (3, H, W) of whole values."""
    counts = torch.stack([torch.bincount(channel.flatten(), minlength=256) for channel in values])
    shares = counts.double() / values[0].numel()
    entropy = -(shares * (shares + 1e-12).log()).sum(1).mean()
    comb = (shares[:, 1:-1] - (shares[:, 2:] + shares[:, :-2]) / 2).abs().sum(1).mean()
    reached = (counts > 0).double()
    span = (reached.cumsum(1) > 0) & (reached.flip(1).cumsum(1).flip(1) > 0)
    missing = 1 - reached.sum(1).mean() / span.sum(1).double().mean()
    largest = shares.max(1).values.mean()
    packed = (values[0] * 256 + values[1]) * 256 + values[2]
    colours = torch.unique(packed).numel()
    return (
        entropy,
        comb,
        missing,
        (largest + _FLOOR).log(),
        torch.tensor(math.log(colours)),
        torch.tensor(math.log(colours / packed.numel())),
    )


def _directions(gray: Tensor) -> list[Tensor]:
    """Differences along four directions at three distances, and how uneven they are."""
    parts = []
    for lag in (1, 2, 4):
        falling, rising = _shifted(gray, lag, lag), _shifted(gray.flip(-1), lag, lag)
        steps = [_shifted(gray, 0, lag), _shifted(gray, lag, 0), falling, rising]
        sizes = torch.stack([_log((b - a).abs().mean((1, 2))) for a, b in steps], 1)
        parts += [sizes, sizes.amax(1) - sizes.amin(1)]
    return parts


def _registration(batch: Tensor) -> list[Tensor]:
    """How well edges of the three channels lie on each other, and where they would lie best."""
    edges = batch[..., 1:, 1:] - batch[..., :-1, :-1]
    edges = edges - edges.mean((2, 3), keepdim=True)
    spectra = torch.fft.rfft2(edges)
    energy = edges.square().sum((2, 3)).sqrt()
    shape = edges.shape[-2:]
    parts = []
    for first, second in ((0, 1), (2, 1), (0, 2)):
        cross = torch.fft.irfft2(spectra[:, first] * spectra[:, second].conj(), s=shape)
        cross = cross / (energy[:, first] * energy[:, second] + 1e-6)[:, None, None]
        reach = min(_LARGEST_SHIFT, (min(shape) - 1) // 2)
        near = torch.roll(cross, (reach, reach), (1, 2))[:, : 2 * reach + 1, : 2 * reach + 1]
        best, place = near.flatten(1).max(1)
        side = 2 * reach + 1
        distance = torch.hypot((place // side - reach).float(), (place % side - reach).float())
        away = near.clone()
        away[:, reach - 1 : reach + 2, reach - 1 : reach + 2] = -1
        parts += [cross[:, 0, 0], best, distance.log1p(), away.flatten(1).amax(1)]
    return parts
