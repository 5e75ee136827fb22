"""Which tensor of a module's input or output is its activation, and how a site names another."""

import warnings
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from toy_models import bert, llama

import sparsetime as st
from sparsetime.errors import ConfigError, DataError, UnknownNameError
from sparsetime.interventions.patch import patched
from sparsetime.models.hooks import Recorder, recording
from sparsetime.models.model_hash import model_hash
from sparsetime.models.sites import resolve_site, sites


class Inner(nn.Module):
    def forward(self, hidden, mask=None, other=None):
        return hidden * 2


class Several(nn.Module):
    """Hands a mask over before the activation, by name."""

    def __init__(self, mask, other=False):
        super().__init__()
        self.inner, self.mask, self.other = Inner(), mask, other

    def forward(self, x):
        mask = torch.ones_like(x[..., 0] if self.mask == "flat" else x)
        other = x + 1 if self.other else None
        return self.inner(mask=mask, other=other, hidden=x)


@dataclass
class Named:
    mask: torch.Tensor
    state: torch.Tensor


class Outputs(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.inner = Inner()

    def forward(self, x):
        mask = torch.ones_like(x)
        if self.kind == "mapping":
            return {"mask": mask, "state": x}
        if self.kind == "dataclass":
            return Named(mask, x)
        if self.kind == "plain mask":
            return {"mask": mask[..., 0], "state": x}
        return x, mask


X = torch.randn(2, 5, 3)


def test_arguments_are_bound_to_the_signature():
    for model in (Several("flat"), bert(), llama()):
        if isinstance(model, Several):
            with Recorder(model, "inner:input") as recorder:
                assert torch.equal(recorder.run([X], {}, 2, 5)["inner:input"], X)


def test_where_several_arguments_fit_the_site_names_one():
    model = Several("full", other=True)
    with (
        Recorder(model, "inner:input") as recorder,
        pytest.raises(ConfigError) as caught,
    ):
        recorder.run([X], {}, 2, 5)
    assert str(caught.value) == (
        "the site 'inner:input' has several arguments with one row a step: hidden, mask, other; "
        "name the one that is meant, as in 'inner:input.hidden'"
    )
    names = ["inner:input.hidden", "inner:input.other", "inner:input.mask"]
    with Recorder(model, names) as recorder:
        found = recorder.run([X], {}, 2, 5)
    assert torch.equal(found["inner:input.hidden"], X)
    assert torch.equal(found["inner:input.other"], X + 1)
    with recording(model, names[:1]) as of_block:
        model(X)
    assert torch.equal(of_block["inner:input.hidden"], X)
    # The advice is taken by capture and by patches too.
    with (
        pytest.raises(ConfigError, match="several arguments"),
        patched(model, "inner:input", torch.zeros_like, 2, 5),
    ):
        model(X)
    with patched(model, "inner:input.hidden", torch.zeros_like, 2, 5):
        assert not model(X).any()
    with patched(model, "inner:input.mask", torch.zeros_like, 2, 5):
        assert torch.equal(model(X), 2 * X)


def test_sites_with_a_part_are_stored(tmp_path):
    model = Several("full")
    with pytest.raises(ConfigError, match="several arguments"):
        st.capture(model, X, "inner:input", tmp_path / "a", progress=False)
    store = st.capture(model, X, "inner:input.hidden", tmp_path / "b", progress=False)
    assert store.site == "inner:input.hidden"
    assert torch.equal(store.sequence(1).values, X[1])
    both = st.capture(
        model, X, ["inner:input.hidden", "inner:input.mask"], tmp_path / "c", progress=False
    )
    assert [one.path.rpartition("/")[2] for one in both] == [
        "inner.input.hidden",
        "inner.input.mask",
    ]
    assert resolve_site(model, "inner:output.0").folder == "inner.output.0"
    with pytest.raises(UnknownNameError, match=r"in the site 'inner:input\.hdden' 'hdden'"):
        resolve_site(model, "inner:input.hdden")
    shapes = {site.path: site.input_shape for site in sites(model, X)}
    assert shapes["."] == (2, 5, 3)  # and listing the sites is no error


@pytest.mark.parametrize("kind", ["mapping", "dataclass"])
def test_outputs_without_an_order_name_what_is_meant(kind):
    model = Outputs(kind)
    with Recorder(model, ".") as recorder, pytest.raises(ConfigError, match=r"items.*mask, state"):
        recorder.run([X], {}, 2, 5)
    with Recorder(model, ".:output.state") as recorder:
        assert torch.equal(recorder.run([X], {}, 2, 5)[".:output.state"], X)
    with (
        Recorder(model, ".:output.stat") as recorder,
        pytest.raises(UnknownNameError, match="state"),
    ):
        recorder.run([X], {}, 2, 5)


def test_outputs_with_one_row_a_step_or_an_order_need_no_name():
    with Recorder(Outputs("plain mask"), ".") as recorder:
        assert torch.equal(recorder.run([X], {}, 2, 5)["."], X)
    with Recorder(Outputs("tuple"), [".", ".:output.1"]) as recorder:
        found = recorder.run([X], {}, 2, 5)
    assert torch.equal(found["."], X) and torch.equal(found[".:output.1"], torch.ones_like(X))


def test_self_attention_has_one_input_and_cross_attention_several():
    attention = nn.MultiheadAttention(4, 2, batch_first=True)
    x, y = torch.randn(1, 5, 4), torch.randn(1, 5, 4)
    with Recorder(attention, ".:input") as recorder:
        mask = torch.zeros(5, 5)
        found = recorder.run([x, x, x], {"attn_mask": mask}, 1, 5)
        assert torch.equal(found[".:input"], x)
        with pytest.raises(ConfigError, match="query, key, value"):
            recorder.run([x, y, y], {}, 1, 5)


@pytest.mark.parametrize("make", [bert, llama])
@pytest.mark.parametrize("time", [1, 4])
def test_layers_of_transformers_take_masks_beside_the_activation(make, time):
    model = make()
    layers = "encoder.layer.1" if make is bert else "layers.1"
    ids = torch.ones(1, time, dtype=torch.long)
    with Recorder(model, f"{layers}:input") as recorder, torch.no_grad():
        states = model(input_ids=ids, output_hidden_states=True).hidden_states
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        assert torch.equal(recorder.run([], inputs, 1, time)[f"{layers}:input"], states[1])


class Scripted(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 4)

    def forward(self, x):
        return self.inner(x).relu()


@pytest.mark.parametrize("make", ["script", "trace", "frozen"])
def test_torchscript_is_captured_whole_and_its_modules_are_refused(make, tmp_path):
    plain = Scripted().eval()
    with _without_deprecation():
        model = torch.jit.trace(plain, X) if make == "trace" else torch.jit.script(plain)
        if make == "frozen":  # which has no module inside, and no weights but constants
            model = torch.jit.freeze(model)
    assert [site.path for site in sites(model)] == ["."]
    store = st.capture(model, X, ".", tmp_path / "whole", progress=False)
    torch.testing.assert_close(store.sequence(1).values, plain(X)[1].detach())
    if make == "frozen":
        with _without_deprecation():
            other = torch.jit.freeze(torch.jit.script(Scripted().eval()))
        assert model_hash(other) != model_hash(model) == store.model_hash
        return
    held = nn.Sequential(model, nn.Linear(4, 2))
    assert [site.path for site in sites(held, X)] == [".", "0", "1"]
    store = st.capture(held, X, ["0", "1:input"], tmp_path / "held", progress=False)[0]
    torch.testing.assert_close(store.sequence(0).values, plain(X)[0].detach())
    for owner, site in ((model, "inner"), (held, "0.inner")):
        with pytest.raises(ConfigError, match=f"'{site}' lies within TorchScript, whose modules"):
            st.capture(owner, X, site, tmp_path / "none", progress=False)
    assert not (tmp_path / "none").exists()


@contextmanager
def _without_deprecation():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield


class Failing(nn.Module):
    """Raises what no list of types holds."""

    class OwnError(Exception):
        pass

    def __init__(self, error=None):
        super().__init__()
        self.error = error or self.OwnError("it is Tuesday")
        self.inner = nn.Identity()

    def forward(self, x):
        raise self.error


@pytest.mark.parametrize(
    "error",
    [Failing.OwnError("tuesday"), AssertionError(), KeyError("x"), NotImplementedError("no")],
)
def test_whatever_a_model_raises_is_explained(error, tmp_path):
    model = Failing(error)
    text = str(error) or type(error).__name__
    with pytest.raises(DataError, match=f"the model cannot run on the sample: {text}"):
        sites(model, X)
    with pytest.raises(DataError, match=rf"cannot run on values of .* \(document '0'\): {text}"):
        st.capture(model, X, "inner", tmp_path / "s", progress=False)
    assert [site.path for site in sites(model)] == [".", "inner"]


def test_a_made_up_sample_that_fails_gives_names_without_shapes():
    model = bert()
    model.forward = lambda *args, **kwargs: (_ for _ in ()).throw(
        AssertionError("spectrograms only")
    )
    found = sites(model)
    assert "encoder.layer.1" in {site.path for site in found}
    assert all(site.output_shape is None for site in found)


class Repeats(nn.Module):
    """Calls its block once for short inputs, and three times for long ones or large values."""

    def __init__(self, by):
        super().__init__()
        self.by, self.block = by, nn.Linear(3, 3)

    def forward(self, x):
        long = x.shape[1] > 4 if self.by == "length" else bool(x.max() > 100)
        if self.by == "skips":
            return self.block(x) if x.shape[1] > 4 else x
        for _ in range(3 if long else 1):
            x = self.block(x)
        return x


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("by", ["length", "values"])
def test_calls_are_counted_in_every_pass(by, first, tmp_path):
    short, long = torch.randn(3, 3), torch.randn(6, 3)
    if by == "values":
        long = torch.randn(3, 3) + 200
    data = [short, long] if first == 0 else [long, short]
    message = rf"'block' is passed 3 times in one forward pass of the document '{1 - first}', so"
    with pytest.raises(ConfigError, match=message):
        st.capture(Repeats(by), data, "block", tmp_path / "s", batch=1, progress=False)


def test_a_block_that_some_documents_skip_is_refused(tmp_path):
    data = [torch.randn(6, 3), torch.randn(3, 3)]
    with pytest.raises(DataError, match="forward pass of the document '1' does not call that"):
        st.capture(Repeats("skips"), data, "block", tmp_path / "s", progress=False)
