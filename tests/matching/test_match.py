"""Matching of features: by atoms, codes and effects, with nulls; flows, clusters and geometry."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from known_codes import Itself, make_store
from torch import nn

import sparsetime as st
from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.matching.aligned_rows import aligned_rows
from sparsetime.matching.code_correlation import code_correlations, shifted
from sparsetime.matching.compared_features import columns

WIDTH, D = 12, 8


def dictionary(seed=0, atoms=None, width=WIDTH):
    sae = st.dictionary("topk", d_in=D, width=width, k=2, seed=seed)
    if atoms is not None:
        with torch.no_grad():
            sae.decoder.weight.copy_(nn.functional.normalize(atoms, dim=1))
    return sae


def slow_rows(seed, width=WIDTH, recordings=4, steps=200):
    """Features that are active for 10 steps at a time."""
    rng = seeds.numpy_generator(seed, "planted codes")
    shape = (steps // 10, width)
    return [
        np.repeat((rng.random(shape) < 0.2) * rng.uniform(0.5, 1, shape), 10, axis=0)
        for _ in range(recordings)
    ]


@pytest.fixture(scope="module")
def indexes(tmp_path_factory):
    """Two indexes over the same steps: the second has the features of the first in reverse order,
    and its last four are of their own.
    """
    folder = tmp_path_factory.mktemp("match")
    rows, own = slow_rows(0), slow_rows(1)
    pairs = zip(rows, own, strict=True)
    other = [np.concatenate([a[:, ::-1][:, :8], b[:, :4]], axis=1) for a, b in pairs]
    stores = [make_store(folder / name, r) for name, r in (("a", rows), ("b", other))]
    made = [
        st.index(Itself(WIDTH), store, folder / f"index {n}", progress=False)
        for n, store in enumerate(stores)
    ]
    return made, stores, rows


def test_atoms_are_matched_by_cosine_and_one_to_one():
    a = dictionary()
    order = torch.randperm(WIDTH, generator=torch.Generator().manual_seed(0))
    b = dictionary(1, a.atoms.detach()[order])
    found = st.match(a, b)
    assert found.to_right.tolist() == torch.argsort(order).tolist()
    np.testing.assert_allclose(found.similarity, 1, atol=1e-5)
    assert found.mutual.all() and found.beyond_null.all()
    left, right, similarity = found.one_to_one
    assert order[right].tolist() == left.tolist() and similarity.min() > 0.999
    assert found.table().column_names[:3] == ["left", "right", "similarity"]


def test_random_atoms_are_not_beyond_their_null():
    rng = seeds.torch_generator(0, "planted atoms")
    sides = [torch.randn(200, 32, generator=rng) for _ in range(2)]
    saes = []
    for atoms in sides:
        sae = st.dictionary("topk", d_in=32, width=200, k=2)
        with torch.no_grad():
            sae.decoder.weight.copy_(nn.functional.normalize(atoms, dim=1))
        saes.append(sae)
    found = st.match(*saes, draws=19)
    assert found.beyond_null.mean() < 0.15  # one in twenty is expected


def test_codes_are_matched_by_correlation_with_a_null_of_shifted_time(indexes):
    made, _, _rows = indexes
    found = st.match(*made, by="codes")
    assert found.to_right[4:].tolist() == list(range(7, -1, -1))
    np.testing.assert_allclose(found.similarity[4:], 1, atol=1e-6)
    assert found.beyond_null[4:].all() and not found.mutual[:4].all()
    # The null keeps how long features last, so that of slow features is far from 0.
    assert found.null.mean() > 0.1
    assert found.null_is.startswith("circular shift in time")


def test_correlation_is_that_of_numpy(indexes):
    made, _, _rows = indexes
    sides = [columns(one, None) for one in made]
    whole = np.corrcoef(*(side.matrix.toarray().T for side in sides))[:WIDTH, WIDTH:]
    np.testing.assert_allclose(
        code_correlations(sides[0].matrix, sides[1].matrix), whole, atol=1e-9
    )
    turned = shifted(sides[0], 0, 0).toarray()
    assert not np.allclose(turned, sides[0].matrix.toarray())
    np.testing.assert_allclose(
        turned[:200].sum(0), sides[0].matrix.toarray()[:200].sum(0), rtol=1e-5
    )


def test_a_dictionary_and_a_store_have_the_codes_of_their_index(indexes):
    made, stores, _ = indexes
    sae = dictionary()
    with pytest.raises(ConfigError, match="to match by codes without a store"):
        st.match(sae, made[1], by="codes")
    store = make_store(stores[0].path + " d", [np.random.default_rng(0).random((50, D))] * 2)
    found = st.match(sae, dictionary(0), by="codes", store=store)
    assert (found.to_right == found.left).mean() > 0.5


class Language(nn.Module):
    """A model with an unembedding."""

    def __init__(self, weight):
        super().__init__()
        self.head = nn.Linear(*weight.T.shape, bias=False)
        self.head.weight = nn.Parameter(weight)

    def get_output_embeddings(self):
        return self.head


def test_effects_match_over_models_of_other_bases():
    rng = seeds.torch_generator(0, "planted atoms")
    weight = torch.randn(30, D, generator=rng)
    turn, _ = torch.linalg.qr(torch.randn(D, D, generator=rng))
    a = dictionary()
    b = dictionary(1, a.atoms.detach() @ turn)
    models = (Language(weight), Language(weight @ turn))
    found = st.match(a, b, by="effect", model=models)
    assert (found.to_right == found.left).all()
    assert st.match(a, b).similarity.mean() < 0.9
    with pytest.raises(MismatchError, match="30 and 20 tokens, expected one vocabulary"):
        st.match(a, b, by="effect", model=(models[0], Language(weight[:20])))
    with pytest.raises(MismatchError, match="no unembedding of 8 dimensions"):
        st.match(a, b, by="effect", model=nn.Linear(2, 2))


def test_what_cannot_be_matched_is_refused(indexes, tmp_path):
    made, _stores, _ = indexes
    with pytest.raises(ConfigError, match="got by='words', expected one of atoms, codes, effect"):
        st.match(*made, by="words")
    with pytest.raises(ConfigError, match="without a model"):
        st.match(*made, by="effect")
    with pytest.raises(MismatchError, match="have 8 dimensions, those of topk 6"):
        st.match(dictionary(), st.dictionary("topk", d_in=6, width=4, k=2))
    shorter = make_store(tmp_path / "short", [np.eye(WIDTH)])
    index = st.index(Itself(WIDTH), shorter, tmp_path / "index", progress=False)
    with pytest.raises(MismatchError, match="800 and 12 steps in 4 and 1 sequences"):
        st.match(made[0], index, by="codes")


def test_tokens_are_aligned_by_their_last_character(tmp_path):
    text = "abc def"
    whole = make_store(tmp_path / "a", [np.zeros((2, 1))], texts=[(text, [(0, 3), (3, 7)])])
    parts = make_store(tmp_path / "b", [np.zeros((3, 1))], texts=[(text, [(0, 2), (2, 3), (4, 7)])])
    rows, lengths, ids = aligned_rows(whole, parts)
    assert [side.tolist() for side in rows] == [[0, 1], [1, 2]]
    assert lengths.tolist() == [2] and ids == ("document 0",)
    other = make_store(tmp_path / "c", [np.zeros((2, 1))], texts=[("abd def", [(0, 3), (3, 7)])])
    with pytest.raises(MismatchError, match="is another text in the second store"):
        aligned_rows(whole, other)


def test_windows_of_one_length_are_aligned_by_their_texts(tmp_path):
    """Both stores have three steps, of other characters."""
    text = "abc def ghi"
    spans = ([(0, 3), (3, 7), (7, 11)], [(0, 2), (2, 3), (3, 7)])
    rows = (np.eye(3)[[0, 1, 2]], np.eye(3)[[2, 0, 1]])
    stores = [
        make_store(tmp_path / name, [x] * 2, texts=[(text, own)] * 2)
        for name, x, own in zip("ab", rows, spans, strict=True)
    ]
    made = [
        st.index(Itself(3), store, tmp_path / f"index {n}", progress=False)
        for n, store in enumerate(stores)
    ]
    found = st.match(*made, by="codes", store=tuple(stores))
    # "abc" ends at step 0 of the first and step 1 of the second, "def" at 1 and 2.
    assert found.to_right[:2].tolist() == [0, 1]
    np.testing.assert_allclose(found.similarity[:2], 1)


def test_an_index_of_some_sequences_is_matched_on_those(indexes, tmp_path):
    made, stores, _ = indexes
    part = st.index(
        Itself(WIDTH), stores[0].of_sequences(np.array([1, 3])), tmp_path / "part", progress=False
    )
    with pytest.raises(MismatchError, match="400 and 800 steps in 2 and 4 sequences"):
        st.match(part, made[0], by="codes")
    other = st.index(
        Itself(WIDTH), stores[0].of_sequences(np.array([0, 2])), tmp_path / "other", progress=False
    )
    with pytest.raises(MismatchError, match="the same sequences by id and length"):
        st.match(part, other, by="codes")


def test_flows_are_chains_births_ends_and_splits():
    identity = torch.eye(D)
    half = nn.functional.normalize(identity[0] + 0.4 * identity[7], dim=0)
    stages = [
        dictionary(0, identity[:4], 4),
        dictionary(0, torch.stack([identity[1], identity[0], half, identity[6]]), 4),
        dictionary(0, torch.stack([identity[0], identity[5], identity[6], identity[4]]), 4),
    ]
    flow = st.matching.feature_flow(stages, threshold=0.8)
    assert flow.chains().tolist() == [[0, 1, 0], [1, 0, -1], [2, -1, -1], [3, -1, -1]]
    assert flow.born(1).tolist() == [3] and flow.ended(0).tolist() == [2, 3]
    assert flow.split(0) == {0: [1, 2]}
    with pytest.raises(ConfigError, match="at least two to follow"):
        st.matching.feature_flow(stages[:1])


def test_clusters_are_chains_of_near_atoms():
    angle = torch.linspace(0, torch.pi, 8)[:-1]
    circle = torch.stack([angle.cos(), angle.sin(), *[torch.zeros(7)] * 6], dim=1)
    atoms = torch.cat([circle, torch.eye(D)[3:6]])
    assert st.matching.atom_clusters(atoms, 0.8) == [list(range(7))]


def test_points_of_a_cluster_are_its_reconstructions_where_it_is_active():
    code = torch.tensor([[2.0, 0.0, 5.0], [0.0, 2.0, 0.0], [0.1, 0.0, 9.0], [0.0, 0.0, 1.0]])
    points, active = st.matching.cluster_points(code, torch.eye(3), [0, 1])
    assert active.tolist() == [True, True, False, False]
    assert points.tolist() == [[2, 0, 0], [0, 2, 0]]
    points, active = st.matching.cluster_points(code[3:], torch.eye(3), [0, 1])
    assert points.shape == (0, 3) and not active.any()


def test_a_circle_is_irreducible_and_two_features_are_not():
    rng = seeds.numpy_generator(0, "planted codes")
    angle = rng.uniform(0, 2 * np.pi, 3000)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1) + 0.05 * rng.normal(size=(3000, 2))
    separate = rng.uniform(-1, 1, (3000, 2))
    lines = np.where(rng.random((3000, 1)) < 0.5, [[1.0, 0.0]], [[0.0, 1.0]])
    mixture = lines * rng.uniform(0.2, 1, (3000, 1))
    found = {
        name: st.matching.irreducibility(points)
        for name, points in (("circle", circle), ("separate", separate), ("mixture", mixture))
    }
    assert found["circle"].separability > 0.3 and found["circle"].mixture < 0.2
    assert found["separate"].separability < 0.05
    assert found["mixture"].mixture > 0.45
    with pytest.raises(DataError, match="at least 100 points"):
        st.matching.irreducibility(circle[:50])


def test_svcca_is_one_for_another_basis_and_low_for_noise():
    rng = seeds.numpy_generator(0, "random inputs")
    x = rng.normal(size=(500, 5))
    assert np.isclose(st.matching.svcca(x, x @ rng.normal(size=(5, 5))), 1)
    assert st.matching.svcca(x, rng.normal(size=(500, 5))) < 0.2
    assert st.matching.svcca(x, np.zeros((500, 2))) == 0
