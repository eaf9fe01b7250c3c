"""Exceptions that Snellen raises on purpose.

All derive from `SnellenError`, so that a batch can turn any of them into a row with its
error and go on, and from the built-in exception that a caller would expect.
"""


class SnellenError(Exception):
    """Base class of every error raised on purpose by Snellen."""


class ImageError(SnellenError, ValueError):
    """An image cannot be read, or its values, size or shape are not what was asked for."""


class WeightsError(SnellenError, RuntimeError):
    """Weights are missing, damaged, untrusted, or do not fit the network."""


class BackboneError(SnellenError, ValueError):
    """A backbone, or a layer of one, does not exist or cannot be used."""


class MetricError(SnellenError, ValueError):
    """A metric does not exist, or was asked for what it cannot do."""


class DatasetError(SnellenError, ValueError):
    """A database with human scores is missing, incomplete, or not laid out as its release."""


class AgreementError(SnellenError, ValueError):
    """Scores cannot be compared with human scores: their number or their values do not allow it."""


class DistortionError(SnellenError, ValueError):
    """A distortion does not exist, or cannot have the strength that was asked for."""


class LossError(SnellenError, ValueError):
    """A loss does not exist, or cannot be computed from what it was given."""


class TrainingError(SnellenError, ValueError):
    """A training plan is not laid out as expected, or its run cannot start or go on."""


class SourceError(SnellenError, ValueError):
    """A source of images does not exist, cannot be listed, or is not laid out as it has to be."""


class RunError(SnellenError, ValueError):
    """A run cannot be started, or cannot go on where it was."""


class TableError(SnellenError, ValueError):
    """A table cannot be written in the form that was asked for."""


class CacheError(SnellenError, RuntimeError):
    """The folder of the score cache cannot be used."""


def error_text(error: BaseException) -> str:
    """Say in one line what went wrong; errors that Snellen did not foresee name their class.

    Examples
    --------
    >>> error_text(ImageError("a.png: is empty")), error_text(KeyError("x"))
    ('a.png: is empty', "KeyError: 'x'")
    """
    text = " ".join(str(error).split())
    return text if isinstance(error, SnellenError) else f"{type(error).__name__}: {text}"


def reason_text(error: BaseException) -> str:
    """Return what an error of the system or of a library says, in one line; else its class.

    Examples
    --------
    >>> reason_text(ValueError("no   number")), reason_text(EOFError())
    ('no number', 'EOFError')
    """
    said = getattr(error, "strerror", None) or str(error)
    return " ".join(str(said).split()) or type(error).__name__
