"""CodeSearch: postings over pooled codes, searched by queries that can be edited by feature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float

from sparsetime.errors import ConfigError
from sparsetime.retrieval.pooled_segments import PooledSegments, pooled_segments

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.dictionaries.dictionary import Dictionary


@final
@dataclass(frozen=True)
class Hit:
    """A segment that was found. sequence: its id; first, stop: its steps; text: of them, if any."""

    segment: int
    sequence: str
    first: int
    stop: int
    score: float
    text: str


@final
class CodeSearch:
    """Segments of a store, found by the cosine of their pooled codes with a query.

        score = sum over features i of the query of q_i p_i / (|q| |p|)

    Only the postings of the query's features are read: the segments in which they are active.
    """

    def __init__(self, store: Store, segments: PooledSegments) -> None:
        from scipy.sparse import diags

        self._store, self._segments = store, segments
        codes = abs(segments.codes)
        norms = np.sqrt(np.asarray(codes.multiply(codes).sum(axis=1)).ravel())
        self._norms = norms
        self._postings = (diags(1 / np.where(norms > 0, norms, 1)) @ codes).tocsc()
        self._codes = codes.tocsr()
        self._peaks = np.asarray(codes.max(axis=0).todense()).ravel()

    @property
    def segments(self) -> int:
        """Number of segments."""
        return int(self._codes.shape[0])

    @property
    def postings(self) -> int:
        """Entries of all postings; per segment that is the cost of storing one."""
        return int(self._postings.nnz)

    def query_of(self, segment: int) -> dict[int, float]:
        """The features of a segment and their pooled values, the largest first.

        Errors: ConfigError for a segment that does not exist.
        """
        if not 0 <= segment < self.segments:
            raise ConfigError(f"got segment {segment}, expected 0 to {self.segments - 1}")
        row = self._codes[segment]
        order = np.argsort(-row.data, kind="stable")
        return dict(zip(row.indices[order].tolist(), row.data[order].tolist(), strict=True))

    def edited_query(
        self, like: int | Mapping[int, float], edit: Mapping[int, float] | None = None
    ) -> dict[int, float]:
        """The features of a query with their values, after an edit; see `query`.

        Errors: ConfigError for a segment or feature that does not exist.
        """
        query = self.query_of(like) if isinstance(like, int) else dict(like)
        for feature, multiple in (edit or {}).items():
            self._check(feature)
            query[feature] = multiple * float(self._peaks[feature])
        return query

    def query(
        self,
        like: int | Mapping[int, float],
        *,
        edit: Mapping[int, float] | None = None,
        n: int = 10,
    ) -> list[Hit]:
        """The `n` segments nearest to a query, the nearest first.

        like: a segment, which is left out of the answer, or features with their values. edit:
        features with what they are set to, in multiples of the feature's largest pooled value; 0
        takes one out of the query.

        Errors: ConfigError for a segment or feature that does not exist.
        """
        own = like if isinstance(like, int) else None
        scores = self.scores(self.edited_query(like, edit))
        if own is not None:
            scores[own] = -np.inf
        best = np.argsort(-scores, kind="stable")[:n]
        return [self._hit(int(one), float(scores[one])) for one in best if scores[one] > 0]

    def scores(self, query: Mapping[int, float]) -> Float[np.ndarray, " segments"]:
        """The cosine of every segment with a query. Errors: ConfigError for an unknown feature."""
        for feature in query:
            self._check(feature)
        scores = np.zeros(self.segments)
        length = float(np.sqrt(sum(value**2 for value in query.values())))
        postings: Any = self._postings
        for feature, value in query.items():
            own = slice(postings.indptr[feature], postings.indptr[feature + 1])
            scores[postings.indices[own]] += value * postings.data[own]
        return scores / length if length else scores

    def _check(self, feature: int) -> None:
        if not 0 <= feature < len(self._peaks):
            raise ConfigError(
                f"got feature {feature} in a query, expected 0 to {len(self._peaks) - 1}"
            )

    def _hit(self, segment: int, score: float) -> Hit:
        place = int(self._segments.sequence[segment])
        first = int(self._segments.first[segment])
        stop = first + int(self._segments.lengths[segment])
        stored = self._store.sequence(place)
        text = ""
        if stored.text is not None and "char_start" in stored.steps.column_names:
            begin = stored.steps["char_start"][first].as_py()
            text = " ".join(stored.text[begin : stored.steps["char_end"][stop - 1].as_py()].split())
        return Hit(segment, str(stored.id), first, stop, score, text)


def search(
    sae: Dictionary,
    store: Store,
    *,
    steps: int | None = 64,
    pool: str = "mean",
    progress: bool = True,
) -> CodeSearch:
    """Encode a store and make its segments searchable by their pooled codes.

    steps: of a segment; None: whole sequences. pool: see `st.classify`. O'Neill et al. 2024,
    "Disentangling Dense Embeddings with Sparse Autoencoders", adjust single features of a query.

    Errors: those of `encode_store`; ConfigError for segments of no steps and an unknown pool.
    """
    return CodeSearch(store, pooled_segments(sae, store, steps, pool, progress))
