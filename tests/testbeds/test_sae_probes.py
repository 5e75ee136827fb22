"""Tables of sae-probes are chosen by their size, from an archive like its wheel."""

import csv
import io

import pyarrow as pa
import pytest

from sparsetime.errors import ConfigError, DataError
from sparsetime.testbeds.sae_probes.tables import probe_tables
from sparsetime.testbeds.sentences.texts import labelled_sentences

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


class Sentences(Files):
    """An archive with some tables of the sentence testbed."""

    def __init__(self):
        reviews = [(f"a film of number {n} ", n % 2) for n in range(30)]
        news = [
            (f"news {n}", ("Politics", "Sport", "Technology", "Film")[n % 4]) for n in range(40)
        ]
        self.files = {
            "92_glue_sst2": [*reviews, *reviews, ("x" * 301, 0)],
            "97_news_class": news,
        }


def test_sentences_are_balanced_and_in_a_fixed_order():
    tables = ("92_glue_sst2", "97_news_class")
    found = labelled_sentences(8, Sentences(), tables)
    labels = [tuple(one.labels.values()) for one in found]
    assert {label: labels.count(label) for label in labels} == {
        **{("92_glue_sst2", str(n)): 8 for n in range(2)},
        **{("97_news_class", n): 2 for n in ("Politics", "Sport", "Technology", "Film")},
    }
    assert len({one.text for one in found}) == len(found)
    assert not any(one.text != one.text.strip() or len(one.text) > 300 for one in found)
    assert [one.id for one in labelled_sentences(8, Sentences(), tables)] == [o.id for o in found]
    with pytest.raises(ConfigError, match="the class 'Film' of the table 97_news_class has 10"):
        labelled_sentences(48, Sentences(), ("97_news_class",))
