"""A latent is dead after `dead_after` rows, or once an average latent would have fired 32 times."""

import torch
from planted import planted

import sparsetime as st
from sparsetime.activations.sampling.batch import Batch
from sparsetime.training.config import TrainConfig
from sparsetime.training.dead_latents import DeadLatentTracker
from sparsetime.training.dictionary_trainable import DictionaryTrainable

CPU = torch.device("cpu")


def observe(tracker, fired, rows):
    tracker.observe(torch.tensor(fired), torch.ones(len(fired)), rows)


def test_rows_since_the_last_time_are_counted():
    tracker = DeadLatentTracker(3, dead_after=10, device=CPU)
    tracker.observe(torch.tensor([0, 2]), torch.tensor([1.0, 0.0]), rows=6)
    assert tracker.rows_since.tolist() == [0, 6, 6]
    observe(tracker, [2], rows=6)
    assert tracker.rows_since.tolist() == [6, 12, 0]
    assert tracker.dead.tolist() == [False, True, False]


def test_without_a_number_of_rows_the_entries_of_the_codes_are_counted():
    """Width 4: a latent is dead after 32 * 4 entries without it, whatever the number of rows."""
    tracker = DeadLatentTracker(4, dead_after=None, device=CPU)
    observe(tracker, [0, 1, 2, 3], rows=1)
    observe(tracker, [0, 1, 2] * 42, rows=1_000_000)
    assert tracker.entries_since.tolist() == [0, 0, 0, 126]
    assert not tracker.dead.any()
    observe(tracker, [0, 1], rows=1)
    assert tracker.dead.tolist() == [False, False, False, True]
    observe(tracker, [3], rows=1)
    assert not tracker.dead.any()


def trainable():
    sae = st.dictionary("topk", d_in=16, width=32, k=3)
    with torch.no_grad():
        sae.encoder.bias[:8] = -2.0
    return DictionaryTrainable(sae, TrainConfig(rows=64 * 40, batch=64), torch.float32)


def test_a_checkpoint_keeps_the_counts():
    """192 entries a step, of width 32: latents that never fire are dead after six steps."""
    one, other = trainable(), trainable()
    for number in range(8):
        one.step(Batch(planted(64, seed=number)), number)
    assert one.tracker.dead.any()
    other.restore(one.state())
    assert torch.equal(one.tracker.entries_since, other.tracker.entries_since)
    assert torch.equal(one.tracker.dead, other.tracker.dead)
    # Checkpoints of version 0.1.0 have no such count: it starts again.
    older = {name: tensor for name, tensor in one.state().items() if "entries" not in name}
    other.restore(older)
    assert not other.tracker.dead.any()
