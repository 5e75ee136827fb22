"""Check that an index was made from a dictionary, for what reads both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparsetime.dictionaries.dictionary_hash import dictionary_hash, same_dictionary
from sparsetime.dictionaries.sparsifiers.value_threshold import ValueThreshold
from sparsetime.errors import MismatchError

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.features.index import FeatureIndex


def check_index_of(index: FeatureIndex, dictionary: Dictionary) -> None:
    """Check that the features of an index are those of a dictionary: equal widths do not say so.

    A dictionary that is read with fewer latents (`Dictionary.at`) has the features of the whole
    one, and other sources than dictionaries are not known by hash; neither is checked.

    Errors: MismatchError for the index of another dictionary.
    """
    if index.kind != "dictionary" or isinstance(dictionary.sparsifier, ValueThreshold):
        return
    if not same_dictionary(index.record["subject"]["dictionary"], dictionary_hash(dictionary)):
        raise MismatchError(
            f"got the index {index.path} of another dictionary than {dictionary.name!r}, whose "
            "features are others; give the index of this dictionary (sparsetime index)"
        )
