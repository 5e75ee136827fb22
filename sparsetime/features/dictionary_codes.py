"""A dictionary as a code source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, final

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.dictionary_hash import dictionary_hash
from sparsetime.errors import ConfigError
from sparsetime.features.code_source import CodeSource
from sparsetime.features.encoding import check_compatible, device_of, encode_sequences

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.activations.store.stored_sequence import StoredSequence
    from sparsetime.codes import SparseCode
    from sparsetime.dictionaries.dictionary import Dictionary


@final
class DictionaryCodes(CodeSource):
    """The codes of a dictionary; the fingerprint is its `dictionary_hash`."""

    kind = "dictionary"

    def __init__(self, dictionary: Dictionary) -> None:
        self.dictionary = dictionary
        self.name = dictionary.name
        self.width = dictionary.width
        self.groups = dictionary.groups
        self.group_names = dictionary.group_names
        self.fingerprint = dictionary_hash(dictionary)
        self.trained_on = dictionary.provenance.get("trained_on")
        self.device = device_of(dictionary)

    def check(self, store: Store) -> None:
        check_compatible(self.dictionary, store)

    def code(self, sequence: StoredSequence) -> SparseCode:
        return next(encode_sequences(self.dictionary, [sequence])).code

    def codes(
        self, sequences: Iterable[StoredSequence]
    ) -> Iterator[tuple[StoredSequence, SparseCode]]:
        for encoded in encode_sequences(self.dictionary, sequences):
            yield encoded.stored, encoded.code

    def directions(self) -> Float[Tensor, "width d"]:
        return self.dictionary.atoms.detach().float()


def as_code_source(source: CodeSource | Dictionary) -> CodeSource:
    """The source itself, or a dictionary's codes. Errors: ConfigError for anything else."""
    if isinstance(source, CodeSource):
        return source
    if not hasattr(source, "stream"):
        raise ConfigError(
            f"got {type(source).__name__}, expected a dictionary or a CodeSource; load the "
            f"dictionary with sparsetime.load, or subclass CodeSource"
        )
    return DictionaryCodes(source)
