"""The law of steering: a whole pass, pieces, single steps with a cache and a stream are equal."""

from typing import final

import numpy as np
import pytest
import torch
from steered_models import SITES, Recurrent, both_kinds, language_model, small_dictionary

import sparsetime as st
from sparsetime.interventions.span import Span

# Each holds "B" (6), and "<us" (0, 1, 2) before it.
ROWS = [
    [7, 3, 9, 0, 1, 2, 3, 6, 8, 3],
    [2, 6, 0, 1, 2, 9, 3, 7, 6, 4],
    [6, 0, 1, 2, 6, 5, 4, 3, 2, 1],
]
PROMPT = 6
PIECES = ([4, 1, 5], [1] * 10)
KINDS = ["name", "space", "number", "space", "name", "name", "space", "number", "space", "name"]
SAMPLE = torch.linspace(-1, 1, 16 * 20).reshape(20, 16)
EDITS = {
    "add": st.edits.add(1.5),
    "set": st.edits.set(2.0),
    "scale": st.edits.scale(-3.0),
    "floor": st.edits.floor(0.8),
    "cap": st.edits.cap(0.01),
    "zero": st.edits.ablate(),
    "mean": st.edits.ablate("mean"),
    "resample": st.edits.ablate("resample"),
    "swap": st.edits.swap(5),
    "several": [st.edits.scale(2.0), st.edits.add(0.5)],
}
SPANS = {
    "all": st.spans.steps(),
    "steps": st.spans.steps(2, 5),
    "seconds": st.spans.seconds(0.25, 0.65),
    "prompt": st.spans.prompt(),
    "generated": st.spans.generated(),
    "last": st.spans.last(2),
    "after": st.spans.after("B"),
    "role": st.spans.role("us", begin="<{role}", end="B"),
    "where": st.spans.where(kind={"name", "number"}),
    "while_on": st.spans.while_on(3, above=0.01, hold=1, delay=1),
    "elsewhere": st.spans.while_on(2, above=0.01, site=SITES[0]),
    "union": st.spans.steps(0, 2) | st.spans.steps(7),
    "both": st.spans.generated() & st.spans.while_on(3),
    "complement": ~st.spans.last(3),
    "ramp": st.spans.steps(1, 4).rising(2).falling(3),
}
FEATURES = (3, 8, 11, 14, 20, 29)
STREAMED = ("all", "steps", "seconds", "while_on", "union", "ramp")


@final
class OfEach(Span):
    """Each sequence of a batch has a span of its own."""

    def __init__(self, names):
        self.spans = [SPANS[name] for name in names]

    @property
    def needs(self):
        return frozenset().union(*(span.needs for span in self.spans))

    @property
    def features(self):
        return frozenset().union(*(span.features for span in self.spans))

    def begin(self, facts):
        readers = [span.begin(facts) for span in self.spans]
        return lambda steps: np.stack([r(steps)[i] for i, r in enumerate(readers)])


@pytest.fixture(scope="module")
def dictionaries():
    return both_kinds()


@pytest.fixture(scope="module")
def double():
    return language_model(torch.float64)


def _tokens(count):
    return torch.tensor([ROWS[i % len(ROWS)] for i in range(count)])


def _check_equal(results, exact, names):
    whole = results[0]
    allowed = 1e-10 if exact else 1e-4 * float(whole.abs().max())
    for other in results[1:]:
        apart = (other - whole).abs().amax((1, 2))
        assert not [name for name, a in zip(names, apart, strict=True) if a > allowed]


def _check_acts(record, names):
    """Equality is tested where an edit acts, and not of runs that do nothing."""
    added = sum(one.added.sum(1) for one in record.values())
    assert not [name for name, a in zip(names, added, strict=True) if a == 0]


WAYS = [(edit, dtype, True) for edit in EDITS for dtype in (torch.float64, torch.float32)]


@pytest.mark.parametrize(("edit", "dtype", "keep_error"), [*WAYS, ("add", torch.float64, False)])
def test_passes_are_equal_over_every_span(edit, dtype, keep_error, dictionaries, double):
    model = double if dtype == torch.float64 else language_model()
    run = st.steer(
        model, dictionaries, {site: dict.fromkeys(FEATURES, EDITS[edit]) for site in SITES},
        span=OfEach(SPANS),
        units="activation", data=dict.fromkeys(SITES, SAMPLE), seconds_per_step=0.1,
        keep_error=keep_error,
    )  # fmt: skip
    labels = {"kind": [KINDS] * len(SPANS)}
    read = [
        run.read(_tokens(len(SPANS)), prompt_length=PROMPT, labels=labels, pieces=pieces)
        for pieces in (None, *PIECES[: 2 if dtype == torch.float64 else 1])
    ]
    _check_equal([one.logits for one in read], dtype == torch.float64, SPANS)
    _check_acts(read[0].record, SPANS)


@pytest.mark.parametrize("edit", EDITS)
def test_a_stream_of_a_recurrent_model_is_equal_to_a_whole_pass(edit):
    model, rows = Recurrent().double(), len(STREAMED)
    x = 9 * torch.sin(torch.arange(rows * 9 * 3) ** 2).reshape(rows, 9, 3).double()
    run = st.steer(
        model, {"enter": small_dictionary("window_crosscoder", 2, 0.5, window=2)},
        {"enter": dict.fromkeys(FEATURES, EDITS[edit])}, span=OfEach(STREAMED), units="activation",
        data={"enter": SAMPLE}, seconds_per_step=0.1,
    )  # fmt: skip
    results = []
    for pieces in ([2, 4, 3], [1] * 9):
        out, state = [], None
        with torch.no_grad(), run.stream(batch=rows):
            for piece in x.split(pieces, dim=1):
                y, state = model(piece, state)
                out.append(y)
        results.append(torch.cat(out, 1))
    with torch.no_grad(), run:
        results.append(model(x)[0])
    _check_equal(results, True, STREAMED)
    _check_acts(run.record, STREAMED)


def test_generation_is_equal_to_reading_what_was_generated(dictionaries, double):
    names = ("generated", "while_on", "ramp", "after")
    run = st.steer(
        double, dictionaries, {site: {3: 1.0} for site in SITES}, span=OfEach(names),
        units="activation",
    )  # fmt: skip
    prompt = _tokens(len(names))[:, :PROMPT]
    written = run.generate(prompt, 8)
    read = run.read(written.tokens, prompt_length=PROMPT)
    results = [
        written.logits,
        read.logits[:, PROMPT - 1 : -1],
        run.generate(prompt, 8, pieces=2).logits,
        run.generate(prompt, 8, use_cache=False).logits,
    ]
    _check_equal(results, True, names)
    _check_acts(read.record, names)


def test_an_end_token_ends_the_text_of_its_own_sequence(dictionaries, double):
    run = st.steer(double, dictionaries, {site: {3: 1.0} for site in SITES})
    prompt = _tokens(2)[:, :PROMPT]
    whole = run.generate(prompt, 8, ends=())
    first, second = whole.tokens[:, PROMPT:].tolist()
    end = next(token for token in first if token not in second)
    ended = run.generate(prompt, 8, ends=[end])
    assert torch.equal(ended.tokens, whole.tokens)  # the other one goes through all steps
    written = first.index(end) + 1
    assert ended.texts == [whole.texts[0][:written], whole.texts[1]]
    assert written < 8


def test_the_models_own_generate_is_steered_alike(dictionaries, double):
    run = st.steer(
        double, dictionaries, {site: {3: 4.0} for site in SITES}, span=st.spans.generated()
    )
    written = run.generate(_tokens(2)[:, :PROMPT], 8)
    with run:
        tokens = double.model.generate(
            _tokens(2)[:, :PROMPT], attention_mask=torch.ones(2, PROMPT), max_new_tokens=8,
            do_sample=False, pad_token_id=0,
        )  # fmt: skip
    assert torch.equal(tokens, written.tokens)
    plain = double.model.generate(
        _tokens(2)[:, :PROMPT], attention_mask=torch.ones(2, PROMPT), max_new_tokens=8,
        do_sample=False, pad_token_id=0,
    )  # fmt: skip
    assert not torch.equal(tokens, plain)


def test_padding_on_the_left_changes_nothing(dictionaries, double):
    run = st.steer(
        double,
        dictionaries,
        {site: {3: 1.0} for site in SITES},
        span=st.spans.steps(2, 5).falling(2),
    )
    alone = run.read(_tokens(2)[:1, 3:])
    padded = _tokens(2)
    padded[0, :3] = 0
    mask = torch.ones_like(padded)
    mask[0, :3] = 0
    positions = (mask.cumsum(1) - 1).clamp_min(0)
    with torch.no_grad(), run:
        logits = double.model(padded, attention_mask=mask, position_ids=positions).logits
    _check_equal([alone.logits, logits[:1, 3:]], True, ["padded"])
