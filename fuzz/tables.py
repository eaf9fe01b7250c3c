"""Tables and lists that name images, damaged: CSV, Parquet, text, and score tables of databases."""

import io
import tempfile
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
import pyarrow
import pyarrow.parquet

from fuzz.mutations import damaged, words_damaged
from fuzz.trials import Trial
from snellen.datasets import load_dataset, read_score_table
from snellen.errors import SnellenError
from snellen.runs import open_source

_MOST = 2000


def prepare() -> Trial:
    """Write tables of every kind; a trial damages one and reads it by every reader of its kind."""
    folder = tempfile.TemporaryDirectory(prefix="snellen-fuzz-")
    root = Path(folder.name)
    for name in ("a.png", "b.png"):
        (root / name).touch()
    whole = _tables()

    def trial(random: Random, _keep: object = folder) -> None:
        suffix = random.choice(list(whole))
        way = damaged if suffix in (".parquet", ".mat", ".xlsx", ".csv.gz") else words_damaged
        data = random.choice((way, damaged))(random.choice(whole[suffix]), random)
        path = root / f"table{suffix}"
        path.write_bytes(data)
        _read(path, suffix)

    return trial


def _read(path: Path, suffix: str) -> None:
    """Read a table by all who take it; refused where nobody does."""
    readers = [lambda: read_score_table(path)] if suffix != ".parquet" else []
    if suffix in (".csv", ".parquet", ".txt"):
        readers.append(lambda: [item.identity() for item in islice(open_source(path), _MOST)])
    if suffix == ".csv":
        readers.append(lambda: load_dataset("csv", path, higher_better=True))
    refusals = []
    for read in readers:
        try:
            read()
        except SnellenError as error:
            refusals.append(error)
    if len(refusals) == len(readers):
        raise refusals[0]


def _tables() -> dict[str, list[bytes]]:
    text = 'image,reference,score,level\na.png,b.png,1.5,2\nb.png,,2,x\n"a.png",b.png,3,\n'
    parquet = []
    columns = {
        "image": ["a.png", "b.png"] * 20, "reference": [None, "a.png"] * 20,
        "level": list(range(40)), "score": [0.5, None] * 20, "tags": [["x"], []] * 20,
    }  # fmt: skip
    for compression in ("none", "snappy", "zstd"):
        stream = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.table(columns), stream, compression=compression)
        parquet.append(stream.getvalue())
    return {
        ".csv": [text.encode(), f"# higher_better: true\n{text}".encode("utf-8-sig"),
                 text.replace(",", ";").encode(), text.encode("utf-16")],
        ".txt": [b"a.png\nb.png\r\n\nfile:///dev/null\n", b"s3://bucket/a.png\n/dev/zero\nx\n"],
        ".parquet": parquet,
        ".mat": [_matlab()],
        ".csv.gz": [_zipped(text.encode())],
    }  # fmt: skip


def _matlab() -> bytes:
    import scipy.io

    stream = io.BytesIO()
    names = np.array(["a.png", "b.png"], dtype=object)
    scipy.io.savemat(stream, {"score": np.arange(5.0), "names": names}, do_compression=True)
    return stream.getvalue()


def _zipped(data: bytes) -> bytes:
    import gzip

    return gzip.compress(data, mtime=0)
