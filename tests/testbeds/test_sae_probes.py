"""Tables of sae-probes are chosen by their size, from an archive like its wheel."""

import csv
import io

import pyarrow as pa
import pytest

from sparsetime.errors import DataError
from sparsetime.testbeds.sae_probes.tables import probe_tables

FOLDER = "sae_probes/data/cleaned_data/"


def table(rows):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["prompt", "prompt_len", "target"])
    writer.writerows([[text, len(text), label] for text, label in rows])
    return pa.compress(out.getvalue().encode(), codec="zstd", asbytes=True)


class Files:
    """An archive of chosen tables."""

    def __init__(self):
        self.files = {
            "1_short": [(f"text {n},\nof two lines", n % 2) for n in range(40)],
            "2_long": [("a" * 90 + str(n), n % 2) for n in range(40)],
            "3_many_classes": [(f"text {n}", n) for n in range(40)],
            "4_few_rows": [(f"text {n}", n % 2) for n in range(9)],
            "5_rare": [(f"text {n}", str(n == 0)) for n in range(40)],
        }

    def names(self, ending=""):
        return [f"{FOLDER}{name}.csv.zst" for name in self.files] + ["sae_probes/other.csv.zst"]

    def read(self, name):
        return table(self.files[name.removeprefix(FOLDER).removesuffix(".csv.zst")])


def test_tables_are_chosen_by_size_and_balanced():
    found = probe_tables(characters=64, rows=20, archive=Files())
    assert [one.name for one in found] == ["1_short"]
    assert found[0].labels == ("0",) * 10 + ("1",) * 10
    numbers = [int(text.split(",\n")[0].removeprefix("text ")) for text in found[0].texts]
    assert len(set(numbers)) == 20 and all(n % 2 == 0 for n in numbers[:10])
    again = probe_tables(characters=64, rows=20, archive=Files())
    other = probe_tables(characters=64, rows=20, seed=1, archive=Files())
    assert again == found != other
    longer = probe_tables(characters=100, rows=20, archive=Files())
    assert [one.name for one in longer] == ["1_short", "2_long"]


def test_no_table_that_fits_is_an_error():
    with pytest.raises(DataError, match="got no table of two classes with 50 rows and a median"):
        probe_tables(rows=50, archive=Files())
