"""What a run held when it was opened, and look-ups in it that are kept."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Int

from sparsetime.errors import DataError, MismatchError, unknown_name
from sparsetime.explorer.change_steps import MOST_STEPS, BackgroundResults, change_steps
from sparsetime.explorer.excerpts import Excerpt, choose_excerpts, excerpt
from sparsetime.explorer.run_contents import ShownDictionary, indexed_names, readable
from sparsetime.explorer.run_description import aligned, unique_titles
from sparsetime.explorer.workbench.byte_lru import ByteLRU
from sparsetime.explorer.workbench.coarse_code import CodeEntries, coarse_entries, code_entries
from sparsetime.explorer.workbench.input_pyramid import InputPyramid, input_pyramid
from sparsetime.explorer.workbench.input_source import InputSource, input_source
from sparsetime.explorer.workbench.labels import Labels
from sparsetime.features.index_files import DIRECTIONS
from sparsetime.files import Folder

if TYPE_CHECKING:
    import torch

    from sparsetime.activations.store.store import Store
    from sparsetime.codes import SparseCode
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.explorer.workbench.atom_matches import AtomMatches
    from sparsetime.features.feature_events import FeatureEvents
    from sparsetime.matching.matches import FeatureMatches

_MIB = 2**20
_STEPS_IN_COMMON = 20_000  # by which features without directions are compared
_READ = 24  # sequences in which a segment to open at is looked for


@final
class RunCache:
    """What a run held when it was read. Look-ups that are asked for again are kept.

    shown: dictionaries by key, those with parts first. notes: what is left out, and why.
    """

    def __init__(self, folder: Folder) -> None:
        contents = readable(folder, indexed_names(folder), lambda: None)
        self.folder = folder
        self.notes = contents.notes
        self.shown = {
            dictionary.entry.key: dictionary for dictionary in unique_titles(contents.shown)
        }
        self.labels = Labels(
            folder,
            {
                key: dictionary.index.record["subject"]["dictionary"]
                for key, dictionary in self.shown.items()
            },
        )
        self.code = ByteLRU(self._code, _code_bytes, 192 * _MIB)
        self.coarse_entries = ByteLRU(self._coarse, lambda entries: entries.nbytes, 128 * _MIB)
        self.feature_events = ByteLRU(self._firing, _firing_bytes, 64 * _MIB)
        self._words = ByteLRU(self._document, _word_bytes, 64 * _MIB)
        self.input = lru_cache(maxsize=64)(self._input)
        self.pyramid = ByteLRU(self._pyramid, lambda pyramid: pyramid.nbytes, 256 * _MIB)
        self.boundaries = lru_cache(maxsize=64)(self._boundaries)
        self._background = BackgroundResults(self.boundaries)
        self.opens_at = lru_cache(maxsize=64)(self._opens_at)
        self.loaded = lru_cache(maxsize=8)(self._dictionary)
        self.directions = lru_cache(maxsize=8)(self._directions)
        self.matches = lru_cache(maxsize=16)(self._matches)
        self.neighbours = lru_cache(maxsize=16)(self._neighbours)
        self.recording_labels = lru_cache(maxsize=8)(self._recording_labels)
        self.counts_by_recording = lru_cache(maxsize=4)(self._counts_by_recording)

    def dictionary(self, key: str) -> ShownDictionary:
        """The dictionary of that key. Errors: UnknownNameError, with what can be shown."""
        if key not in self.shown:
            raise unknown_name("dictionary", key, self.shown, " ".join(self.notes))
        return self.shown[key]

    def atoms(self, key: str) -> torch.Tensor:
        """The directions of the features as their source gives them, float32 [width, d].

        Errors: MismatchError where the source has none; see `has_directions`.
        """
        index = self.dictionary(key).index
        if index.kind == "dictionary":
            return self.loaded(key).atoms.detach().float()
        directions = index.directions()
        if directions is None:
            raise MismatchError(
                f"{key} was indexed from {index.kind}, which have no directions; give the code "
                f"source directions and index again"
            )
        return directions

    def has_directions(self, key: str) -> bool:
        """Whether the features of this key have directions in activation space."""
        index = self.dictionary(key).index
        return index.kind == "dictionary" or DIRECTIONS in index.record["files"]

    def document(self, key: str, sequence: int) -> Excerpt:
        """The words of a sequence, the same for all dictionaries of a store."""
        return self._words(self.dictionary(key).store, sequence)

    def _directions(self, key: str) -> torch.Tensor:
        """The atoms at length one, float32 [width, d]."""
        import torch

        return torch.nn.functional.normalize(self.atoms(key), dim=1)

    def _dictionary(self, key: str) -> Dictionary:
        from sparsetime.dictionaries.serialise import load

        kind = self.dictionary(key).index.kind
        if kind != "dictionary":
            raise MismatchError(
                f"{key} was indexed from {kind}, which cannot encode new activations; choose a "
                f"dictionary"
            )
        return load((self.folder / self.dictionary(key).entry.key).url)

    def _neighbours(self, left: str, right: str) -> AtomMatches:
        from sparsetime.explorer.workbench.atom_matches import neighbours, neighbours_by_code

        living = [np.flatnonzero(self.dictionary(key).table.density > 0) for key in (left, right)]
        if not (self.has_directions(left) and self.has_directions(right)):
            codes = self._common_codes(left, right)
            return neighbours_by_code(codes, (living[0], living[1]))
        names = [self.labels.weights[key] for key in (left, right)]
        return neighbours(
            self.folder,
            (names[0], names[1]),
            (living[0], living[1]),
            lambda: (self.atoms(left), self.atoms(right)),
        )

    def _matches(self, left: str, right: str, by: str) -> FeatureMatches:
        from sparsetime.matching.match import match

        return match(self.dictionary(left).index, self.dictionary(right).index, by)

    def _common_codes(self, left: str, right: str) -> tuple[SparseCode, SparseCode]:
        """The codes of both sides over the same sequences of one store, some thousand steps.

        Errors: MismatchError where the two have no sequence of one store in common.
        """
        from sparsetime.codes import concatenate

        sides = [self.dictionary(left), self.dictionary(right)]
        same = aligned(sides[0].store, sides[1].store)
        lists = [side.index.sequences["sequence"].to_pylist() for side in sides]
        common = [number for number in lists[0] if number in set(lists[1])] if same else []
        if not common:
            raise MismatchError(
                f"{left} and {right} have no sequences in common, so their features cannot be "
                f"compared by activation; index both on one store, or give both directions"
            )
        steps = np.cumsum([sides[0].index.length(number) for number in common])
        read = common[: 1 + int(np.searchsorted(steps, _STEPS_IN_COMMON))]
        codes = [concatenate([self.code(key, n) for n in read]) for key in (left, right)]
        return codes[0], codes[1]

    def _document(self, store: Store, sequence: int) -> Excerpt:
        place = int(np.searchsorted(store.sequence_indices, sequence))
        stored = store.sequence(place)
        return excerpt(stored, 0, len(stored))

    def _input(self, key: str, sequence: int) -> InputSource | None:
        store = self.dictionary(key).store
        place = int(np.searchsorted(store.sequence_indices, sequence))
        are_tokens = "token" in store.reader.step_columns()
        return input_source(self.folder, store.sequence(place), are_tokens)

    def _pyramid(self, key: str, sequence: int) -> InputPyramid:
        source = self.input(key, sequence)
        if source is None:
            raise DataError(f"the input of sequence {sequence} was not kept")
        return input_pyramid(source)

    def _code(self, key: str, sequence: int) -> SparseCode:
        return self.dictionary(key).index.sequence(sequence)

    def _coarse(self, key: str, sequence: int) -> CodeEntries:
        shown = self.dictionary(key)
        entries = code_entries(self.code(key, sequence), shown.table.peak)
        return coarse_entries(entries, shown.index.width)

    def _boundaries(self, key: str, sequence: int) -> list[int]:
        return change_steps(self.code(key, sequence), self.dictionary(key).table)

    def boundaries_now(self, key: str, sequence: int) -> list[int] | None:
        """The change points of a sequence; None while those of a long one are computed."""
        if self.dictionary(key).index.length(sequence) <= MOST_STEPS:
            return self.boundaries(key, sequence)
        return self._background.now(key, sequence)

    def _opens_at(self, key: str) -> tuple[int, int, int]:
        """A segment that reads like prose: its sequence, first step and the step after its last."""
        shown = self.dictionary(key)
        numbers = shown.index.sequences["sequence"].to_pylist()
        some = numbers[
            :: -(-len(numbers) // _READ)
        ]  # reading them all would keep the first page waiting
        best = choose_excerpts(shown.store, 1, some)[0]
        return best.sequence, best.first, best.stop

    def _recording_labels(self, key: str) -> dict[str, list[str | None]]:
        from sparsetime.explorer.workbench.recording_labels import label_texts

        return label_texts(self.dictionary(key))

    def _counts_by_recording(self, key: str) -> tuple[Any, Int[np.ndarray, " recordings"]]:
        """Active steps of every feature in every recording (scipy CSR), and their lengths."""
        from sparsetime.features.feature_entries import feature_entries

        entries = feature_entries(self.dictionary(key).index)
        return entries.count_by_sequence(), entries.lengths

    def _firing(self, key: str, feature: int) -> FeatureEvents:
        from sparsetime.features.feature_events import feature_events

        return feature_events(self.dictionary(key).index, feature)


def _code_bytes(code: SparseCode) -> int:
    return int(code.offsets.nbytes + code.indices.nbytes + code.values.nbytes)


def _firing_bytes(events: FeatureEvents) -> int:
    return int(events.sequence.nbytes + events.position.nbytes + events.value.nbytes)


def _word_bytes(words: Excerpt) -> int:
    """About: a string of a few characters takes some sixty bytes, a place in a list eight."""
    return 76 * len(words.words)
