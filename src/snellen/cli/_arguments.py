"""What people type, brought into the form that the parser takes."""

from collections.abc import Sequence

_LISTS = {"-m", "--metric"}


def spread_options(arguments: Sequence[str]) -> list[str]:
    """Turn ``--metric dfb psnr`` into ``--metric dfb --metric psnr``.

    Only words that the catalogue knows are taken for names of metrics, so that files may follow.

    Examples
    --------
    >>> spread_options(["compare", "--metric", "dfb", "psnr", "a.png", "b.png"])
    ['compare', '--metric', 'dfb', '--metric', 'psnr', 'a.png', 'b.png']
    """
    result: list[str] = []
    option = None
    for i, word in enumerate(arguments):
        after_option = i > 0 and arguments[i - 1] in _LISTS
        if word in _LISTS:
            option = word
        elif option is not None and not after_option:
            if word.startswith("-") or not _is_metric(word):
                option = None
            else:
                result.append(option)
        result.append(word)
    return result


def _is_metric(word: str) -> bool:
    from snellen.metrics import ROWS

    return word in ROWS or f"{word.partition('-')[0]}-*" in ROWS
