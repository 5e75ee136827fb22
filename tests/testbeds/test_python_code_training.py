"""Training the code model: exact resumption, and a record that was measured."""

import numpy as np
import pytest
import torch

from sparsetime.errors import StoreError
from sparsetime.testbeds.python_code import publish as publishing
from sparsetime.testbeds.python_code import train as training
from sparsetime.testbeds.python_code.language_model_trainable import LanguageModelTrainable
from sparsetime.testbeds.python_code.model import fresh_model
from sparsetime.testbeds.python_code.pretrained import code_model, record
from sparsetime.testbeds.python_code.publish import publish, token_losses
from sparsetime.testbeds.python_code.settings import LanguageModelSettings, LanguageModelTraining
from sparsetime.testbeds.python_code.stdlib_source import Module
from sparsetime.testbeds.python_code.tokenizer import BEGIN, train_tokenizer
from sparsetime.testbeds.python_code.train import checkpoint_steps, train
from sparsetime.training.run_folder import read_metrics

SETTINGS = LanguageModelTraining(
    model=LanguageModelSettings(vocabulary=300, context=16, d=16, layers=1, heads=2, hidden=16),
    steps=30, save_every=10, checkpoints=3, warmup=3, batch=4,
)  # fmt: skip


@pytest.fixture
def library(monkeypatch):
    found = [
        Module(f"m{i}", f"def f{i}(x):\n    return x + {i}\n" * 20, held_out=i % 5 == 0)
        for i in range(20)
    ]
    for user in (training, publishing):
        monkeypatch.setattr(user, "modules", lambda: found)
    return found


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="training needs torch 2.9")
def test_a_run_that_was_cut_off_ends_with_the_same_bits_and_a_measured_record(
    library, tmp_path, monkeypatch
):
    whole = train(tmp_path / "whole", SETTINGS, show=False)
    step, calls = LanguageModelTrainable.step, iter(range(100))

    def cut_off(*arguments):
        if next(calls) == 17:
            raise KeyboardInterrupt
        return step(*arguments)

    monkeypatch.setattr(LanguageModelTrainable, "step", cut_off)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "cut", SETTINGS, show=False)
    with pytest.raises(
        StoreError, match=r"of 30 steps that is finished: model.safetensors is missing. Call train"
    ):
        publish(tmp_path / "cut", tmp_path / "out", SETTINGS)
    monkeypatch.setattr(LanguageModelTrainable, "step", step)
    again = train(tmp_path / "cut", SETTINGS, show=False)
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    logs = [
        [(line["step"], line["loss"]) for line in read_metrics(str(tmp_path / name))]
        for name in ("whole", "cut")
    ]
    assert logs[0] == logs[1] and [step for step, _ in logs[0]] == list(range(1, 31))
    other = SETTINGS.model_copy(update={"batch": 5})
    with pytest.raises(StoreError, match=r"another training run: its config differ .config.batch"):
        train(tmp_path / "cut", other, show=False)

    written = publish(tmp_path / "cut", tmp_path / "out", SETTINGS)
    assert written == record(tmp_path / "out")
    assert [step for step, _ in written["checkpoints"]] == checkpoint_steps(30, 3)
    assert [step for step, _ in written["checkpoints_in_8_bits"]] == checkpoint_steps(30, 3)[:-1]
    assert written["loss"][-1][0] == 30
    assert written["loss"][-1][1] < written["loss"][0][1]
    assert written["data"]["held_out"]["modules"] == 4
    loaded = code_model(tmp_path / "out")
    held_out = [
        np.array(loaded.tokenizer(m.text, add_special_tokens=False)["input_ids"])
        for m in library
        if m.held_out
    ]
    for step, loss in written["checkpoints_in_8_bits"]:
        earlier = code_model(tmp_path / "out", step=step)
        found = token_losses(earlier.model, held_out, 16)
        assert float(found.mean()) == pytest.approx(loss, abs=1e-4)
    losses = token_losses(loaded.model, held_out, 16)
    assert float(losses.mean()) == pytest.approx(written["held_out"]["loss"], abs=1e-4)
    assert written["held_out"]["perplexity"] == pytest.approx(float(losses.mean().exp()), rel=1e-3)


def test_checkpoints_are_log_spaced_up_to_the_last_step():
    assert checkpoint_steps(1000, 5) == [10, 32, 100, 316, 1000]
    assert checkpoint_steps(7, 1) == [7]


def test_every_token_is_scored_once_after_at_least_half_a_window():
    model = fresh_model(SETTINGS.model, 0).eval()
    tokens = np.random.default_rng(0).integers(1, 300, 50)
    losses = token_losses(model, [tokens, tokens[:9]], 16)
    assert losses.shape == (59,)
    torch.testing.assert_close(losses[:9], losses[50:])  # nothing later is looked at
    ids = torch.tensor([[0, *tokens[8:23]]])  # the second window: 15 tokens from the eighth on
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0, :-1]
    expected = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none")
    torch.testing.assert_close(losses[15:23], expected[7:])


def test_pieces_never_straddle_two_tokens_of_python_and_come_back_as_they_were():
    texts = [
        "def f(self, *args):\n    # -----\n    return args[0]**2 >= self._x  # é\n\n\n'''x'''" * 30
    ]
    tokenizer = train_tokenizer(texts, 400)
    text = texts[0][:200] + "\n\tß = '''x'''\n"
    found = tokenizer.encode(text)
    assert tokenizer.id_to_token(found.ids[0]) == BEGIN
    assert tokenizer.decode(found.ids) == text
    pieces = [text[a:b] for a, b in found.offsets[1:]]
    for whole in (" self", "**", " >=", "\n    ", "\n\n\n", " -----", "'''"):
        assert whole in pieces
    assert not any(any(c.isalnum() for c in p) and any(c in "()[]*.," for c in p) for p in pieces)
