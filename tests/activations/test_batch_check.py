"""A window's activations depend on that window alone, or the capture is refused."""

import pytest
import torch
from torch import nn
from toy_models import Blocks, bert, bert_folder, gpt2

import sparsetime as st
from sparsetime.errors import MismatchError

X = torch.randn(6, 12, 8, generator=torch.Generator().manual_seed(0))


def capture(model, data, site, out, **options):
    return st.capture(model, data, site, out, progress=False, **options)


def encoder(batch_first):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=batch_first)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()


class Inside(nn.Module):
    """A module that reads time first, within one that reads the batch first."""

    def __init__(self, inner):
        super().__init__()
        self.enter, self.inner = nn.Linear(8, 8), inner

    def forward(self, x):
        out = self.inner(self.enter(x))
        return out[0] if isinstance(out, tuple) else out


WRONG_AXIS = {
    "encoder": lambda: encoder(False),
    "layer": lambda: nn.TransformerEncoderLayer(8, 2, 16).eval(),
    "lstm": lambda: nn.LSTM(8, 8),
    "gru both ways": lambda: nn.GRU(8, 8, bidirectional=True),
    "inside": lambda: Inside(encoder(False)),
}


@pytest.mark.parametrize("batch", [1, 32])
@pytest.mark.parametrize("documents", [1, 6])
@pytest.mark.parametrize("name", WRONG_AXIS)
def test_modules_that_read_the_batch_as_time_are_refused(name, documents, batch, tmp_path):
    with pytest.raises(MismatchError, match="takes another axis for the batch and mixes documents"):
        capture(WRONG_AXIS[name](), X[:documents], ".", tmp_path / "s", batch=batch)
    with pytest.raises(MismatchError, match="another axis for the batch"):
        st.stream(WRONG_AXIS[name](), X[:documents], ".", model_batch=batch)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [torch.zeros(3, 4, 8), torch.ones(1, 4, 8), X[:1, :2]])
def test_they_are_refused_on_data_that_would_hide_it(data, tmp_path):
    with pytest.raises(MismatchError, match="another axis"):
        capture(encoder(False), data, ".", tmp_path / "s")


def test_windows_of_one_step_do_not_hide_it(tmp_path):
    data = [X[0, :1]] * 3 + [X[1, :5], X[2, :5]]
    with pytest.raises(MismatchError, match="another axis"):
        capture(encoder(False), data, ".", tmp_path / "s", shard_rows=3)


def test_modules_that_read_the_batch_first_give_the_values_of_each_document(tmp_path):
    store = capture(encoder(True), X, "layers.1", tmp_path / "s")
    for number in range(6):
        alone = encoder(True)(X[number : number + 1])[0]
        torch.testing.assert_close(store.sequence(number).values, alone, rtol=1e-4, atol=1e-5)


class BatchStatistics(nn.Module):
    """Centres by the mean of the whole batch."""

    def forward(self, x):
        return x - x.mean((0, 1))


class OfOneStep(nn.Module):
    """Lets one step of small norm read its neighbour in the batch, beside one of large norm."""

    def forward(self, x):
        x = torch.cat([1000 * torch.ones_like(x[:, :1]), x[:, 1:]], 1)
        leak = torch.zeros_like(x)
        leak[:, 3] = 0.1 * x.roll(1, 0)[:, 3]
        leak[:, 4] = leak[:, 3]
        return x + leak


@pytest.mark.parametrize("make", [BatchStatistics, OfOneStep])
def test_modules_that_mix_a_batch_run_one_window_at_a_time(make, tmp_path):
    with pytest.raises(MismatchError, match=r"computes with all documents.*with batch=1"):
        capture(make(), X, ".", tmp_path / "s")
    store = capture(make(), X, ".", tmp_path / "s", batch=1)  # the advice is taken
    torch.testing.assert_close(store.sequence(2).values, make()(X[2:3])[0])


class Remembers(nn.Module):
    """Adds the mean of what ran before."""

    def __init__(self, over):
        super().__init__()
        self.over, self.before = over, 0.0

    def forward(self, x):
        out = x + self.before
        self.before = x.mean() if self.over == "content" else self.before + 1.0
        return out


@pytest.mark.parametrize("over", ["content", "calls"])
@pytest.mark.parametrize("batch", [1, 4])
def test_modules_that_keep_a_state_between_passes_are_refused(over, batch, tmp_path):
    with pytest.raises(MismatchError, match="keeps a state between forward passes"):
        capture(Remembers(over), X, ".", tmp_path / "s", batch=batch)


class DrawsItself(nn.Module):
    """Random in evaluation, from torch's own numbers."""

    def forward(self, x):
        return nn.functional.dropout(x, training=True)


def test_random_layers_are_captured_and_the_callers_random_numbers_are_kept(tmp_path):
    model, x = Blocks(), torch.randn(2, 5, 3)
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    with_check = capture(model, x, "lstm", tmp_path / "a")
    assert torch.equal(torch.rand(3), expected) and len(with_check) == 10
    assert len(capture(DrawsItself(), X, ".", tmp_path / "b")) == 72


class Careless(nn.Module):
    """Takes an attention mask and does not use it."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(11, 8)
        self.mix = nn.GRU(8, 8, batch_first=True, bidirectional=True)

    def forward(self, input_ids, attention_mask=None):
        return self.mix(self.table(input_ids))[0]


def test_a_mask_that_a_model_does_not_use_is_not_relied_on(tmp_path):
    data = [[5, 6, 7, 8, 9, 5], [6, 7], [8, 9, 10]]
    store = capture(Careless(), data, ".", tmp_path / "s")
    for number, ids in enumerate(data):
        alone = Careless()(torch.tensor([ids]))[0].detach()
        torch.testing.assert_close(store.sequence(number).values, alone)


def test_models_without_a_limit_are_cut_at_512(tmp_path):
    class Unlimited(nn.Module):
        def __init__(self, named):
            super().__init__()
            self.table = nn.Embedding(5, 4)
            self.longest = 0
            if named:
                self.forward = self.by_name

        def by_name(self, input_ids):
            self.longest = max(self.longest, input_ids.shape[1])
            return self.table(input_ids)

        def forward(self, ids):
            return self.by_name(ids)

    for named in (True, False):
        model = Unlimited(named)
        store = capture(model, [torch.ones(5000, dtype=torch.long)], "table", tmp_path / str(named))
        assert (model.longest, len(store)) == (512, 5000)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("way", ["ids", "lists", "encoding", "mapping", "streamed"])
def test_padding_in_token_arrays_is_not_read(side, way, tmp_path):
    from transformers import AutoTokenizer

    folder = bert_folder(tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.padding_side = side
    texts = ["time", "time runs on and stops .", "on and on"]
    padded = tokenizer(texts, padding=True, return_tensors="pt")
    data = {
        "ids": padded["input_ids"],
        "lists": padded["input_ids"].tolist(),
        "encoding": padded,
        "mapping": {name: value.tolist() for name, value in padded.items()},
        "streamed": iter(padded["input_ids"]),
    }[way]
    expected = capture(folder, texts, "encoder.layer.1", tmp_path / "texts")
    store = capture(folder, data, "encoder.layer.1", tmp_path / "tokens")
    for number in range(3):
        torch.testing.assert_close(store.sequence(number).values, expected.sequence(number).values)
    assert store.steps(["token"])["token"] == expected.steps(["token"])["token"]


def test_padding_by_the_models_config_is_left_out_with_a_warning(tmp_path):
    model = bert().eval()
    with pytest.warns(UserWarning, match="begins or ends with the token 0, which is padding by"):
        store = capture(
            model, [[0, 0, 2, 5, 3], [2, 5, 6, 7, 3]], "encoder.layer.1", tmp_path / "s"
        )
    alone = model(torch.tensor([[2, 5, 3]]), output_hidden_states=True).hidden_states
    torch.testing.assert_close(store.sequence(0).values, alone[2][0].detach())
    assert store.segments.lengths.tolist() == [3, 5]


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_that_is_also_the_beginning(side, tmp_path):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(bert_folder(tmp_path / "model"))
    tokenizer.pad_token = tokenizer.eos_token = tokenizer.bos_token = "[CLS]"
    tokenizer.backend_tokenizer.post_processor = None  # as GPT-2, which adds nothing
    tokenizer.padding_side = side
    model = gpt2().eval()
    texts = ["time runs", "time runs on", "time runs on and stops ."]
    ids = tokenizer(texts, padding=True, add_special_tokens=False)["input_ids"]
    store = capture(model, ids, "h.0", tmp_path / "s", tokenizer=tokenizer)
    for number, text in enumerate(texts):
        alone = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        states = model(alone, output_hidden_states=True).hidden_states
        torch.testing.assert_close(store.sequence(number).values, states[1][0].detach())
    # One beginning, given on purpose, is read and not stored.
    begun = capture(model, [[2, 5, 6]], "h.0", tmp_path / "b", tokenizer=tokenizer)
    states = model(torch.tensor([[2, 5, 6]]), output_hidden_states=True).hidden_states
    torch.testing.assert_close(begun.sequence(0).values, states[1][0, 1:].detach())


def test_step_labels_keep_their_steps_behind_padding(tmp_path):
    folder = bert_folder(tmp_path / "model")
    document = st.Document(
        "a", tokens=[0, 0, 2, 5, 6, 3, 0], step_labels={"place": [0, 1, 2, 3, 4, 5, 6]}
    )
    store = capture(folder, [document], "encoder.layer.1", tmp_path / "s")
    assert store.steps(["token", "place"]).to_pylist() == [
        {"token": 5, "place": 3},
        {"token": 6, "place": 4},
    ]
