"""st.match: features of two dictionaries, layers, models or checkpoints, by what they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from sparsetime.errors import ConfigError, MismatchError
from sparsetime.features.index import FeatureIndex
from sparsetime.features.indexed_view import indexed_view
from sparsetime.features.nearest_atoms import nearest
from sparsetime.interventions.token_effects import token_effects
from sparsetime.matching.aligned_rows import aligned_rows, has_text
from sparsetime.matching.code_correlation import NULL, code_correlations, shifted
from sparsetime.matching.compared_features import (
    Matchable,
    SparseColumns,
    active_features,
    columns,
    directions,
    name_of,
)
from sparsetime.matching.matches import FeatureMatches
from sparsetime.statistics.nulls import random_atoms

if TYPE_CHECKING:
    from torch import nn

    from sparsetime.activations.store.store import Store

BY = ("atoms", "codes", "effect")
RANDOM = "random directions, as many as on the right"


def match(
    a: Matchable,
    b: Matchable,
    by: str = "atoms",
    *,
    store: Store | tuple[Store, Store] | None = None,
    model: nn.Module | tuple[nn.Module, nn.Module] | None = None,
    draws: int = 8,
    seed: int = 0,
) -> FeatureMatches:
    """Match the features of two sides: nearest, mutual, and one to one.

    a, b: dictionaries or indexes. by: what is compared:

        atoms:  cos(a_i, b_j) of the directions; both sides in one activation space, such as two
                layers of a residual stream, two seeds or two training steps
        codes:  correlation of activation values over the same steps; any two sites or models
        effect: cos(W a_i, W b_j) of what the directions add to the logits, W the unembedding
                (centred over tokens); two models need one vocabulary

    store: for dictionaries by codes, the store of both or one for each side. Stores of other tokens
    of the same texts are aligned by the last character of a token. model: for effects, of both or
    of each side.

    The null of codes is a circular shift in time of the right side within every sequence: it keeps
    runs and co-activation, which shuffled steps would lose, so that slow features are not
    flattered. That of directions is random directions. draws: of the null.

    Errors: ConfigError for an unknown `by` and for codes or effects without a store or a model;
    MismatchError where the sides have no common space, sequences or vocabulary.
    """
    if by not in BY:
        raise ConfigError(f"got by={by!r}, expected one of {', '.join(BY)}")
    if draws < 1:
        raise ConfigError(f"got draws={draws}, expected at least 1 draw of the null")
    names = (name_of(a), name_of(b))
    left, right = active_features(a), active_features(b)
    if not (len(left) and len(right)):
        raise MismatchError(
            f"got {len(left)} and {len(right)} features that fire in {names[0]} and {names[1]}, "
            f"expected at least one on either side"
        )
    if by == "codes":
        both = _columns((a, b), store)
        matrix, other = both[0].matrix[:, left], both[1].matrix[:, right]

        def similarities() -> Float[np.ndarray, "left right"]:
            return code_correlations(matrix, other)

        def null(draw: int) -> Float[np.ndarray, " left"]:
            nothing = code_correlations(matrix, shifted(both[1], seed, draw)[:, right])
            return np.asarray(nothing.max(1))

        found = similarities()
        to_right, to_left = found.argmax(1), found.argmax(0)
        similarity, back = found.max(1), found.max(0)
        return _matches(
            (names, by, left, right), (to_right, similarity, to_left, back), null, draws, NULL,
            similarities,
        )  # fmt: skip
    if by == "atoms":
        vectors = (directions(a)[left], directions(b)[right])
        if vectors[0].shape[1] != vectors[1].shape[1]:
            raise MismatchError(
                f"the directions of {names[0]} have {vectors[0].shape[1]} dimensions, those of "
                f"{names[1]} {vectors[1].shape[1]}; match by='codes' over the same steps"
            )
        d, on_right = vectors[1].shape[1], None
    else:
        if model is None:
            raise ConfigError("got by='effect' without a model; give model=, one for each side")
        models = model if isinstance(model, tuple) else (model, model)
        of_right = directions(b)[right]
        vectors = (
            token_effects(models[0], directions(a)[left]),
            token_effects(models[1], of_right),
        )
        if vectors[0].shape[1] != vectors[1].shape[1]:
            raise MismatchError(
                f"the models have {vectors[0].shape[1]:,} and {vectors[1].shape[1]:,} tokens, "
                f"expected one vocabulary; match by='codes'"
            )
        d, on_right = of_right.shape[1], models[1]

    def random(draw: int) -> Float[np.ndarray, " left"]:
        drawn = random_atoms(len(right), d, seed, draw)
        return nearest(
            vectors[0], drawn if on_right is None else token_effects(on_right, drawn)
        ).cosine

    found_by = nearest(*vectors)
    return _matches(
        (names, by, left, right),
        (found_by.to_right, found_by.cosine, found_by.to_left, found_by.back),
        random,
        draws,
        RANDOM,
        lambda: (vectors[0] @ vectors[1].T).numpy(),
    )


def _matches(
    what: tuple[tuple[str, str], str, np.ndarray, np.ndarray],
    found: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    null: Callable[[int], np.ndarray],
    draws: int,
    null_is: str,
    similarities: Callable[[], np.ndarray],
) -> FeatureMatches:
    names, by, left, right = what
    to_right, similarity, to_left, back = found
    nothing = np.stack([null(draw) for draw in range(draws)])
    return FeatureMatches(
        names,
        by,
        left,
        right,
        right[to_right],
        np.asarray(similarity, dtype=np.float64),
        left[to_left],
        np.asarray(back, dtype=np.float64),
        nothing.mean(0).astype(np.float64),
        nothing.max(0).astype(np.float64),
        null_is,
        similarities,
    )


def _columns(
    sides: tuple[Matchable, Matchable], store: Store | tuple[Store, Store] | None
) -> tuple[SparseColumns, SparseColumns]:
    """The codes of both sides over the same steps. Errors: see `match`."""
    given = store if isinstance(store, tuple) else (store, store)
    stores = [
        indexed_view(side, own) if isinstance(side, FeatureIndex) and own is not None else own
        for side, own in zip(sides, given, strict=True)
    ]
    left, right = (columns(side, own) for side, own in zip(sides, stores, strict=True))
    first, second = stores
    if first is None or second is None:
        if not left.same_sequences(right):
            raise MismatchError(
                f"the sides have {left.matrix.shape[0]:,} and {right.matrix.shape[0]:,} steps in "
                f"{len(left.lengths)} and {len(right.lengths)} sequences, expected the same "
                f"sequences by id and length; index both on one store, or give store=(…, …) of the "
                f"same texts"
            )
        return left, right
    # Windows of one length hold other steps where the tokenizers differ, so texts are aligned.
    aligned = first.path == second.path or not (has_text(first) and has_text(second))
    if aligned and left.same_sequences(right):
        return left, right
    (on_left, on_right), lengths, ids = aligned_rows(first, second)
    return (
        SparseColumns(left.matrix.tocsr()[on_left].tocsc(), lengths, ids),
        SparseColumns(right.matrix.tocsr()[on_right].tocsc(), lengths, ids),
    )
