"""Labelled English sentences: fifteen tables of sae-probes, as many texts of every class."""

from __future__ import annotations

from collections.abc import Sequence

from sparsetime.activations.capture.document import Document
from sparsetime.errors import ConfigError
from sparsetime.testbeds.sae_probes.tables import (
    ENDING,
    FOLDER,
    Archive,
    row_generator,
    table_rows,
)
from sparsetime.testbeds.wheels.fetch import open_wheel

#: By table its number of classes and what they are. Reviews come first: twice as many are read.
TABLES = {
    "92_glue_sst2": (2, "sentiment of phrases of film reviews"),
    "113_movie_sent": (2, "sentiment of film reviews"),
    "97_news_class": (4, "topic of news"),
    "99_sci_cat": (3, "science that a comment is about"),
    "102_twt_emotion": (4, "emotion of short messages"),
    "105_click_bait": (2, "clickbait or factual headline"),
    "26_headline_isfrontpage": (2, "headline of a front page"),
    "23_headline_ischina": (2, "headline about China"),
    "87_glue_cola": (2, "grammatical sentence"),
    "54_cs_tf": (2, "true statement of common sense"),
    "36_sciq_tf": (2, "true answer about science"),
    "52_virtue_is": (2, "trait that a person shows"),
    "50_deon_isvalid": (2, "excuse that is valid"),
    "108_athlete_sport": (3, "sport of an athlete"),
    "27_art_type": (3, "book, film or song"),
}
REVIEWS = ("92_glue_sst2", "113_movie_sent")
LONGEST = 300  # characters; longer texts are left out


def labelled_sentences(
    rows: int, archive: Archive | None = None, tables: Sequence[str] = tuple(TABLES)
) -> list[Document]:
    """Texts with the labels `table` and `label`, in a fixed random order.

    rows: of every table, as many of each class; twice as many of the two tables of reviews.
    tables: some of `TABLES`. archive: None for the wheel of sae-probes 0.4.2 in the cache
    (`sparsetime testbeds fetch sae-probes`). Source: see `probe_tables`.

    Errors: ConfigError where a class has fewer texts; those of `open_wheel`.
    """
    source = open_wheel("sae-probes") if archive is None else archive
    documents = []
    for table in tables:
        classes = TABLES[table][0]
        wanted = -(-rows * (2 if table in REVIEWS else 1) // classes)
        of_class: dict[str, list[str]] = {}
        for text, label in table_rows(source.read(f"{FOLDER}{table}{ENDING}")):
            if len(text) <= LONGEST:
                of_class.setdefault(label, []).append(text)
        for label, texts in sorted(of_class.items()):
            different = list(dict.fromkeys(texts))
            if len(different) < wanted:
                raise ConfigError(
                    f"got rows={rows}, but the class {label!r} of the table {table} has "
                    f"{len(different)} different texts; give at most {len(different) * classes}"
                )
            random = row_generator(0, table, label)
            for number in sorted(random.choice(len(different), wanted, replace=False)):
                name = f"{table}/{label}/{number}"
                labels = {"table": table, "label": label}
                documents.append(Document(name, text=different[number].strip(), labels=labels))
    order = row_generator(0).permutation(len(documents))
    return [documents[place] for place in order]
