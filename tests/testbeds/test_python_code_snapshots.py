"""The code model on its way: weights in 8 bits, step by step, and testbeds that do not mix."""

import hashlib
import json

import numpy as np
import pytest
import torch

import sparsetime as st
from sparsetime.errors import ConfigError, StoreError
from sparsetime.testbeds.python_code.build import PythonCodeSettings, content_version
from sparsetime.testbeds.python_code.pretrained import WEIGHTS, code_model, record, steps_of
from sparsetime.testbeds.python_code.publish import token_losses
from sparsetime.testbeds.python_code.quantise import dequantise_int8, quantise_int8
from sparsetime.testbeds.python_code.stdlib_source import modules

SMALL = {"tokens": 500, "longest": 3000, "progress": False}


def test_no_weight_is_off_by_more_than_half_a_step_of_its_row():
    rows = torch.randn(40, 30, generator=torch.Generator().manual_seed(0))
    rows *= torch.logspace(-6, 3, 40)[:, None]
    rows[7] = 0
    weights = {"a.matrix": rows, "b.norm": torch.randn(30).bfloat16()}
    small = quantise_int8(weights)
    again = dequantise_int8(small)
    assert list(again) == list(weights)
    step = rows.abs().amax(dim=1, keepdim=True) / 127
    assert ((again["a.matrix"] - rows).abs() <= step * (0.5 + 1e-5)).all()
    assert (again["a.matrix"].abs().amax(1) - rows.abs().amax(1)).abs().max() < 1e-3  # its largest
    assert torch.equal(again["b.norm"], weights["b.norm"].float())
    assert small["a.matrix"].dtype == torch.int8 and small["a.matrix"].abs().max() == 127


def test_a_module_is_read_better_with_every_step_that_is_kept():
    steps = steps_of()
    assert steps == [26, 65, 164, 412, 1035, 2600]
    (text,) = [module.text[:3000] for module in modules() if module.name == "queue"]
    losses = []
    for step in steps:
        model = code_model(step=step)
        ids = np.array(model.tokenizer(text, add_special_tokens=False)["input_ids"])
        losses.append(float(token_losses(model.model, [ids], 256).mean()))
    assert losses == sorted(losses, reverse=True) and losses[0] > losses[-1] + 3


def test_what_eight_bits_cost_was_measured():
    known = dict(map(tuple, record()["checkpoints"]))
    measured = dict(map(tuple, record()["checkpoints_in_8_bits"]))
    assert list(measured) == steps_of()[:-1]
    assert all(abs(loss - known[step]) < 0.001 for step, loss in measured.items())


def test_the_end_is_the_model_of_no_step():
    end, again, earlier = code_model(), code_model(step=2600), code_model(step=412)
    assert again.revision_or_hash == end.revision_or_hash != earlier.revision_or_hash
    assert (end.name, again.name) == ("sparsetime-code", "sparsetime-code")
    assert earlier.name == "sparsetime-code at step 412"
    head, embedding = earlier.model.lm_head.weight, earlier.model.model.embed_tokens.weight
    assert head.data_ptr() == embedding.data_ptr()


def test_a_step_of_which_nothing_was_kept_is_refused():
    with pytest.raises(ConfigError, match=r"step 400 .* steps 26, 65, 164, 412, 1035, 2600"):
        code_model(step=400)
    with pytest.raises(ConfigError, match="no weights were kept of step 400"):
        st.testbed("python", step=400, progress=False)


def test_testbeds_of_two_steps_do_not_mix(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    early = st.testbed("python", step=412, **SMALL)
    assert early.store.model_hash == early.model.revision_or_hash
    assert early.store.model_name == "sparsetime-code at step 412"
    late = st.testbed("python", **SMALL)
    assert late.store.model_hash != early.store.model_hash
    assert late.store.path != early.store.path
    assert len(late.store) == len(early.store)
    assert not np.allclose(late.store.sequence(0).values, early.store.sequence(0).values, atol=0.1)
    with pytest.raises(StoreError, match=r"of other weights .sparsetime-code at step 412. than"):
        st.testbed("python", out=early.store.path, **SMALL)


def test_a_testbed_kept_before_there_were_steps_is_found_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = {"tokens": 500, "site": "model.layers.1", "longest": 3000, "overlap": 128}
    weights = hashlib.sha256((WEIGHTS / "model.safetensors").read_bytes()).hexdigest()
    made = content_version(PythonCodeSettings())
    assert made.endswith(weights) and content_version(PythonCodeSettings(step=412)) != made
    key = hashlib.sha256(json.dumps([before, made], sort_keys=True).encode()).hexdigest()[:12]
    assert st.testbed("python", **SMALL).store.path.endswith(f"code-{key}")
