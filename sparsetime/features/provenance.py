"""Provenance of an output folder: hashes of the code source and the store it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparsetime.activations.store.provenance import data_sentence, sequences_hash, shards_hash
from sparsetime.dictionaries.dictionary_hash import same_dictionary
from sparsetime.errors import DamagedError, StoreError
from sparsetime.files import Folder
from sparsetime.files.other_files import check_no_other_files

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.features.index import FeatureIndex

#: Key of an index's record: the share of its steps that its source was trained on, None if unknown.
SEEN = "seen_in_training"
_SAID = {"sequences": "choice of sequences"}


def provenance_of(fingerprint: str, store: Store) -> dict[str, str]:
    """Hashes of what was encoded: the code source, the store's shards, the sequences in view.

    Each is a SHA-256; that of a dictionary is its `dictionary_hash`. The store's is the same for
    every view of it.
    """
    return {
        "dictionary": fingerprint,
        "store": shards_hash(store),
        "sequences": sequences_hash(store),
    }


def measured_on(index: FeatureIndex, view: Store) -> str:
    """The data of numbers of an index, and what of it its source was trained on."""
    return data_sentence(view, index.record.get(SEEN))


def reuse_or_clear(
    folder: Folder,
    *,
    what: str,
    record: str,
    own_names: tuple[str, ...],
    subject: dict[str, str],
    force: bool,
    kept_names: tuple[str, ...] = (),
) -> bool:
    """Whether `folder` already holds this output of this subject; clears it for writing if not.

    `record` is the file written last, which names the subject. Files that a killed run left half
    way are removed, since without the record they are no output. `kept_names` may be there and
    are left alone, as is what others wrote beside a finished output.

    Errors: StoreError where the folder holds something else and `force` is not given.
    """
    if not force and not folder.exists(record):
        check_no_other_files(folder, what, (*own_names, *kept_names))
    if folder.exists(record) and not force:
        stored = _subject_in(folder, record)
        differing = [name for name in subject if not _equal(name, stored.get(name), subject[name])]
        if not differing:
            return True
        raise StoreError(
            f"{folder.url} holds the {what} of another {_another(differing)}. Choose "
            f"another folder, or replace it with force=True"
        )
    # The record goes first: a reader between here and the end finds none, never a mixture.
    for name in (record, *own_names):
        folder.remove(name)
    for name in folder.names():
        if name.endswith(".partial"):
            folder.remove(name)
    return False


def _equal(name: str, stored: str | None, own: str) -> bool:
    return same_dictionary(stored, own) if name == "dictionary" else stored == own


def _another(differing: list[str]) -> str:
    """The parts that differ; of another store the choice of sequences says nothing more."""
    named = [name for name in differing if name != "sequences" or "store" not in differing]
    return " and another ".join(_SAID.get(name, name) for name in named)


def _subject_in(folder: Folder, record: str) -> dict[str, str]:
    value = folder.read_json(record)
    subject = value.get("subject") if isinstance(value, dict) else None
    if not isinstance(subject, dict):
        raise DamagedError(
            f"{folder.url}/{record} is damaged: it does not say what it was made from. Make it "
            f"again with force=True"
        )
    return subject
