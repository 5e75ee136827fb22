"""Semantic search adjusted by one feature of a query's embedding."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from sparsetime import seeds
from sparsetime.activations.store.store import Store
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.features.labels.stored_label import sequence_labels
from sparsetime.retrieval.code_search import CodeSearch
from sparsetime.retrieval.pooled_segments import PooledSegments, segment_lengths
from sparsetime.statistics.linear_probe import sparse_matrix

SITE, STEPS = "encoder.layer.5", 32
WIDTH, K, ROWS = 768, 16, 16_000
RAISE, TOP = 1.0, 10
TOPICS, QUERIES = 8, 25  # a topic has documents in both halves; queries for each


@claim(
    "embedding_search",
    system=143,
    says="Raising the feature of a topic in queries about other topics brings more held-out "
    "segments of that topic into the top ten than raising a random feature of equal density, and "
    "the ranks of all other segments stay (rank correlation at least .9).",
    data="segments of 32 tokens of English documentation, embedded as all-MiniLM-L6-v2 embeds "
    "sentences; a topic is a package of the standard library, half of whose modules are held out",
    expects=[
        Less("of the topic in the top ten, plain", than="of the topic in the top ten, raised"),
        Less("of the topic in the top ten, random", than="of the topic in the top ten, raised"),
        AtLeast("rank correlation of other segments", than=0.9),
    ],
    seconds=60,
    rule="Raising one feature in a query brings more held-out documents of that topic into the top "
    "ten, while other topics' ranks barely move.",
    notes="The feature of a topic is the one whose mean in segments of its other modules exceeds "
    "that of all segments by most standard deviations. It is set to the largest value that it has "
    "in any segment. Feature families are not checked.",
    null=lambda lab, seed: _values(lab, seed, permuted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Modules are divided at random; the dictionary is trained on the first half of them."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, permuted: bool = False) -> dict[str, float]:
    """permuted: the null, in which features are chosen by the segments of another topic."""
    rng = seeds.numpy_generator(seed, "random choice")
    real = lab.real(SITE)
    chosen, searched = real.bed.store.split(0.5, seed=seed)
    x, topic, _ = _embeddings(chosen)
    held_out, held_out_topic, segments = _embeddings(searched)
    sae = dictionary("topk", d_in=real.d, width=WIDTH, k=K, seed=seed)
    lab.train(sae, x, rows=ROWS, seed=seed)
    search = _search(sae, searched, held_out, segments)
    codes = sae.encode(x).dense().numpy()
    both = np.intersect1d(_common(topic), _common(held_out_topic))[:TOPICS]
    others = np.roll(both, 1) if permuted else both
    density = (codes > 0).mean(0)
    counts = np.zeros(3)
    kept = []
    for name, chosen_by in zip(both, others, strict=True):
        feature = _feature(codes, topic == chosen_by)
        near = np.argsort(abs(density - density[feature]), kind="stable")[1:20]
        random = int(rng.choice(near))
        elsewhere = np.flatnonzero(held_out_topic != name)
        for query in rng.choice(elsewhere, QUERIES, replace=False).tolist():
            plain = _scores(search, query, None)
            raised = _scores(search, query, feature)
            with_random = _scores(search, query, random)
            for place, scores in enumerate((plain, raised, with_random)):
                top = np.argsort(-scores, kind="stable")[:TOP]
                counts[place] += (held_out_topic[top] == name).sum()
            own = elsewhere[elsewhere != query]
            kept.append(_rank_correlation(plain[own], raised[own]))
    counts /= len(both) * QUERIES
    return {
        "of the topic in the top ten, plain": float(counts[0]),
        "of the topic in the top ten, raised": float(counts[1]),
        "of the topic in the top ten, random": float(counts[2]),
        "rank correlation of other segments": float(np.mean(kept)),
        "topics": float(len(both)),
        "postings a segment": search.postings / search.segments,
    }


def _embeddings(
    store: Store,
) -> tuple[Float[Tensor, "segments d"], np.ndarray, tuple[np.ndarray, ...]]:
    """Means of segments, of length one, the topic of each, and where each is."""
    lengths, sequence, first = segment_lengths(store.segments.numpy_lengths, STEPS)
    rows = store.read(0, len(store)).float()
    segment = torch.arange(len(lengths)).repeat_interleave(torch.from_numpy(lengths))
    means = torch.zeros(len(lengths), rows.shape[1]).index_add_(0, segment, rows)
    labels = sequence_labels(store)
    package = np.array(
        [
            str(name).split(".")[0] if source == "docstrings" else ""
            for name, source in zip(labels["name"], labels["source"], strict=True)
        ]
    )
    return normalize(means, dim=1), package[sequence], (lengths, sequence, first)


def _search(
    sae: Dictionary,
    store: Store,
    x: Float[Tensor, "segments d"],
    places: tuple[np.ndarray, ...],
) -> CodeSearch:
    return CodeSearch(store, PooledSegments(sparse_matrix(sae.encode(x)), *places))


def _common(topic: np.ndarray) -> np.ndarray:
    """Packages with at least ten segments, the most frequent first."""
    names, counts = np.unique(topic[topic != ""], return_counts=True)
    return names[np.argsort(-counts, kind="stable")][np.sort(-counts, kind="stable") <= -TOP]


def _feature(codes: Float[np.ndarray, "segments width"], own: np.ndarray) -> int:
    spread = codes.std(0) + 1e-6 * codes.std()
    return int(((codes[own].mean(0) - codes.mean(0)) / spread).argmax())


def _scores(search: CodeSearch, query: int, feature: int | None) -> Float[np.ndarray, " segments"]:
    edit = {} if feature is None else {feature: RAISE}
    scores = search.scores(search.edited_query(query, edit))
    scores[query] = -np.inf
    return scores


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)
