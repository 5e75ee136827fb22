"""Sparse codes over a vocabulary: the encoder, its training, and ranking at equal cost."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from small_model import write_model

from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.models.load import load_model
from sparsetime.retrieval import (
    RetrieverTraining,
    TokenStates,
    VocabularyEncoder,
    posting_cost,
    pruned_to_cost,
    reciprocal_ranks,
    token_states,
    train_vocabulary_encoder,
)
from sparsetime.statistics.linear_probe import sparse_matrix

D, TERMS = 6, np.array([3, 5, 8, 9])


def random_texts(count, time=5, seed=0):
    random = seeds.torch_generator(seed, "random inputs")
    states = torch.randn(count, time, D, generator=random)
    token = torch.randint(2, 11, (count, time), generator=random)
    token[:, -1] = -1
    return TokenStates(states, token)


def test_a_code_is_the_largest_of_the_steps_with_the_own_term_raised():
    encoder = VocabularyEncoder(TERMS, D, own=1.0, bias=-0.1)
    with torch.no_grad():
        encoder.weight.normal_(0, 0.5)
    texts = random_texts(7)
    logits = texts.states @ encoder.weight.T + encoder.bias
    for place, term in enumerate(TERMS):
        logits[..., place] += encoder.own[place] * (texts.token == term)
    expected = torch.log1p(logits.relu()).masked_fill((texts.token < 0)[..., None], 0).max(1).values
    codes = encoder(texts)
    assert torch.allclose(codes, expected, atol=1e-6)
    # Gradients are those of the dense formula.
    (codes**2).sum().backward()
    sparse = [parameter.grad.clone() for parameter in encoder.parameters()]
    encoder.zero_grad()
    (expected**2).sum().backward()
    for own, parameter in zip(sparse, encoder.parameters(), strict=True):
        assert torch.allclose(own, parameter.grad, atol=1e-5)
    assert torch.allclose(encoder.encode(texts, batch=3).dense(), codes, atol=1e-6)


def test_a_new_code_holds_the_terms_of_the_text():
    encoder = VocabularyEncoder(TERMS, D)
    texts = TokenStates(torch.zeros(2, 3, D), torch.tensor([[3, 4, -1], [9, 8, 8]]))
    assert (encoder(texts) > 0).tolist() == [
        [True, False, False, False],
        [False, False, True, True],
    ]


def test_training_lowers_the_loss_and_keeps_it_by_seed():
    queries, documents = random_texts(24, seed=1), random_texts(24, seed=2)
    settings = RetrieverTraining(steps=30, batch=8, rate=0.05)
    negatives = (np.arange(24)[:, None] + np.array([1, 2])) % 24
    teacher = 2 * np.eye(24)
    runs = []
    for _ in range(2):
        encoder = VocabularyEncoder(TERMS, D, bias=0.2)
        runs.append(
            train_vocabulary_encoder(
                encoder, queries, documents, settings, hard_negatives=negatives, teacher=teacher
            )
        )
    assert runs[0] == runs[1]
    assert np.mean(runs[0][-5:]) < np.mean(runs[0][:5])


def test_margins_pull_towards_those_of_the_teacher():
    queries, documents = random_texts(16, seed=3), random_texts(16, seed=4)
    negatives = ((np.arange(16) + 1) % 16)[:, None]
    teacher = np.full((16, 16), 1.0)
    teacher[np.arange(16), np.arange(16)] = 2.5
    settings = RetrieverTraining(
        steps=150, batch=16, rate=0.05, query_flops=0, document_flops=0, contrast_weight=0
    )
    encoder = VocabularyEncoder(np.arange(2, 11), D, bias=0.2)
    train_vocabulary_encoder(
        encoder, queries, documents, settings, hard_negatives=negatives, teacher=teacher
    )
    with torch.no_grad():
        scores = encoder(queries) @ encoder(documents).T
    margin = scores.diagonal() - scores[torch.arange(16), torch.from_numpy(negatives[:, 0])]
    assert float(margin.mean()) == pytest.approx(1.5, abs=0.3)


def test_a_larger_flops_weight_leaves_fewer_postings():
    queries, documents = random_texts(16, seed=5), random_texts(16, seed=6)
    costs = []
    for weight in (0.0, 5.0):
        encoder = VocabularyEncoder(TERMS, D, bias=0.3)
        settings = RetrieverTraining(
            steps=40, batch=8, rate=0.05, query_flops=weight, document_flops=weight
        )
        train_vocabulary_encoder(encoder, queries, documents, settings)
        costs.append(
            posting_cost(*(sparse_matrix(encoder.encode(x)) for x in (queries, documents)))
        )
    assert costs[1] < costs[0]


def test_a_reciprocal_rank_shares_ties():
    scores = np.array([[3.0, 1, 2], [1, 1, 1], [0, 5, 6]])
    assert reciprocal_ranks(scores, np.array([0, 1, 0])).tolist() == [1, 1 / 2, 1 / 3]
    with pytest.raises(MismatchError, match="scores of 3 queries and documents of 2"):
        reciprocal_ranks(scores, np.array([0, 1]))


def test_the_cost_is_the_terms_in_common_and_pruning_reaches_it():
    queries = csr_matrix(np.array([[1.0, 0, 2], [0, 3, 0]]))
    documents = csr_matrix(np.array([[1.0, 1, 1], [0, 0, 4], [0, 5, 0]]))
    assert posting_cost(queries, documents) == pytest.approx((1 + 2 + 2) / 6)
    x = seeds.numpy_generator(0, "random inputs").random((40, 50))
    sides = csr_matrix(x[:15]), csr_matrix(x[15:])
    pruned = pruned_to_cost(*sides, 5.0)
    assert posting_cost(*pruned) == pytest.approx(5, abs=0.3)
    assert posting_cost(*pruned) <= 5
    assert pruned[0].max() == sides[0].max()
    assert pruned_to_cost(queries, documents, 9.0) == (queries, documents)
    with pytest.raises(ConfigError, match="got cost=0"):
        pruned_to_cost(queries, documents, 0)


def test_what_cannot_be_trained_is_refused():
    texts, encoder = random_texts(4), VocabularyEncoder(TERMS, D)
    small = RetrieverTraining(batch=2)
    with pytest.raises(ConfigError, match="got 4 pairs, expected at least a batch, 16"):
        train_vocabulary_encoder(encoder, texts, texts, RetrieverTraining())
    with pytest.raises(MismatchError, match=r"of \[4, 3\] texts"):
        train_vocabulary_encoder(encoder, texts, texts.of(torch.arange(3)), small)
    with pytest.raises(ConfigError, match="got a teacher without hard_negatives"):
        train_vocabulary_encoder(encoder, texts, texts, small, teacher=np.eye(4))
    with pytest.raises(MismatchError, match="got states of width 6, expected 5"):
        VocabularyEncoder(TERMS, 5)(texts)
    with pytest.raises(ConfigError, match="got 0 terms"):
        VocabularyEncoder(TERMS[:0], 5)


def test_token_states_are_the_last_of_the_encoder(tmp_path):
    write_model(tmp_path)
    model = load_model(str(tmp_path))
    texts = ["the river carries nothing", "a clock", "the old town hides every number"]
    made = token_states(model, texts, length=6, batch=2)
    assert made.states.shape == (3, 6, 32)
    assert (made.token >= 0).sum(1).tolist() == [4, 2, 4]  # the last is cut, marks left out
    model.model.train()
    assert torch.equal(token_states(model, texts, length=6, batch=2).states, made.states)
    model.model.eval()
    inputs = model.tokenizer(texts[1], return_tensors="pt")
    with torch.no_grad():
        alone = model.model(**inputs).last_hidden_state[0]
    assert torch.allclose(made.states[1, : len(alone)], alone, atol=1e-5)
    assert made.token[1, 1:3].tolist() == inputs["input_ids"][0, 1:3].tolist()
    with pytest.raises(DataError, match="got no texts"):
        token_states(model, [])
