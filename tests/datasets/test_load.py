import pytest

from snellen.datasets import load_dataset
from snellen.errors import DatasetError


@pytest.mark.parametrize("name", ["mine", "tid2013"])
def test_a_path_that_does_not_exist_is_named(name, tmp_path):
    with pytest.raises(DatasetError, match=r"gone\.csv: no such file or folder"):
        load_dataset(name, tmp_path / "gone.csv")
