"""A caller's settings of torch change no training; one that can move nothing is refused."""

from contextlib import contextmanager, nullcontext

import pytest
import torch
from planted import planted
from small_batches import small_batch

import sparsetime as st
from sparsetime.errors import ConfigError
from sparsetime.training.module_trainable import ModuleTrainable

CARDS = {card.name: card for card in st.recipes()}
STEPS, ROWS = 2, 64
SETTINGS = {"rows": STEPS * ROWS, "batch": ROWS, "show": False}


def topk(**settings):
    return st.dictionary(**{"name": "topk", "d_in": 16, "width": 48, "k": 3, **settings})


@contextmanager
def other_default_dtype():
    torch.set_default_dtype(torch.bfloat16)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def everything():
    with torch.inference_mode(), other_default_dtype(), torch.autocast("cpu"):
        yield


def weights(sae):
    return {name: tensor.clone() for name, tensor in sae.state_dict().items()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("name", CARDS)
def test_every_recipe_learns_the_same_under_other_settings(name, tmp_path):
    own = {"k": 4} if "k" in CARDS[name].defaults else {}
    ended = []
    for number, settings in enumerate((nullcontext, everything)):
        sae = st.dictionary(name, d_in=16, width=32, **own)
        start = weights(sae)
        batches = [small_batch(sae, rows=ROWS, seed=seed) for seed in range(STEPS)]
        with settings():
            st.train(sae, iter(batches), out=tmp_path / str(number), **SETTINGS)
        assert not same(weights(sae), start)
        ended.append(weights(sae))
    assert same(*ended)


@pytest.mark.parametrize(
    "settings",
    [torch.no_grad, torch.inference_mode, other_default_dtype, lambda: torch.autocast("cpu")],
    ids=["no_grad", "inference_mode", "bfloat16", "autocast"],
)
def test_a_dictionary_and_data_made_under_other_settings_are_usable(settings, tmp_path):
    x = planted(800)
    plain = st.train(topk(), x, out=tmp_path / "plain", **SETTINGS).dictionary
    with settings():
        here = st.train(topk(), x.clone(), out=tmp_path / "here", **SETTINGS).dictionary
        loaded = st.load(tmp_path / "here")
    assert same(weights(plain), weights(here))
    assert same(weights(plain), weights(loaded))
    assert {t.dtype for t in here.parameters()} == {torch.float32}
    # What was loaded there can learn here.
    st.train(loaded, x, out=tmp_path / "on", **SETTINGS)


def test_activations_of_inference_mode_can_be_trained_on(tmp_path):
    x = planted(ROWS)
    with torch.inference_mode():
        of_inference = x.clone()
        pieces = list(of_inference.split(ROWS // 2))
    plain = st.train(topk(), x, out=tmp_path / "plain", **SETTINGS).dictionary
    for number, source in enumerate((of_inference, of_inference[None], {"x": of_inference})):
        got = st.train(topk(), source, out=tmp_path / str(number), **SETTINGS).dictionary
        assert same(weights(plain), weights(got)) or number == 1
    st.train(topk(), iter(pieces * STEPS), out=tmp_path / "pieces", **SETTINGS)
    ready = (st.Batch(of_inference) for _ in range(STEPS))
    st.train(topk(), ready, out=tmp_path / "ready", **SETTINGS)


def test_what_cannot_learn_is_refused(tmp_path):
    x = planted(800)
    frozen = topk().requires_grad_(False)
    with pytest.raises(ConfigError, match=r"'topk' cannot learn: none of its \d parameters req"):
        st.train(frozen, x, out=tmp_path / "a", **SETTINGS)
    with torch.inference_mode():
        made_in_inference = torch.nn.Linear(2, 2)
        bias = torch.nn.Parameter(torch.zeros(16))
    with pytest.raises(ConfigError, match=r"within torch\.inference_mode\(\), so its weight"):
        ModuleTrainable.__init__(_Module(), "a", made_in_inference, [], float, 1.0)
    sae = topk()
    sae.decoder.bias = bias
    with pytest.raises(ConfigError, match=r"so its weight 'decoder\.bias' cannot learn; make"):
        st.train(sae, x, out=tmp_path / "b", **SETTINGS)
    with torch.device("meta"):
        without_values = topk()
    with pytest.raises(ConfigError, match="on the meta device, where it has no values"):
        st.train(without_values, x, out=tmp_path / "c", **SETTINGS)
    with pytest.raises(ConfigError, match=r"the module 'a' cannot learn: none of its 2 param"):
        module = torch.nn.Linear(2, 2).requires_grad_(False)
        ModuleTrainable.__init__(_Module(), "a", module, [], float, 1.0)
    assert not any(tmp_path.iterdir())


def test_a_loss_that_reaches_no_parameter_is_refused(tmp_path):
    sae = topk().requires_grad_(False)
    sae.unused = torch.nn.Parameter(torch.zeros(1))
    with pytest.raises(ConfigError, match=r"depends on none of the parameters .* \(unused\), so"):
        st.train(sae, planted(800), out=tmp_path, **SETTINGS)


def test_frozen_parameters_keep_their_values_and_the_others_learn(tmp_path):
    for part, other in (("decoder", "encoder"), ("encoder", "decoder")):
        sae = topk()
        getattr(sae, part).requires_grad_(False)
        start = weights(sae)
        st.train(sae, planted(800), out=tmp_path / part, **SETTINGS)
        ended = weights(sae)
        moved = {name for name in ended if not torch.equal(ended[name], start[name])}
        assert not any(name.startswith(part) for name in moved), moved
        assert f"{other}.weight" in moved, moved


class _Module(ModuleTrainable):
    def __init__(self):
        pass

    def loss(self, batch, number):
        raise NotImplementedError
