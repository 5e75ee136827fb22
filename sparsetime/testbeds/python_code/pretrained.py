"""Shipped language model of the Python-source testbed: weights, tokenizer, training record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sparsetime.errors import ConfigError
from sparsetime.files import Folder
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.testbeds.python_code.quantise import dequantise_int8

NAME = "sparsetime-code"
WEIGHTS = Path(__file__).parent / "weights"
LAST, RECORD = "model.safetensors", "record.json"


def code_model(folder: str | Path = WEIGHTS, step: int | None = None) -> LoadedModel:
    """The trained model with its head and its tokenizer, in evaluation mode and in float32.

    `step`: the optimiser step at which the model was saved, one of `steps_of`; None for
    its end. Weights are stored as bfloat16 at the end, and in 8 bits before (see `quantise_int8`).
    Sites: `model.layers.0` to `model.layers.3`.

    Errors: ConfigError for a step of which no weights were kept, with those there are.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    kept = weight_file(folder, step)
    model = AutoModelForCausalLM.from_pretrained(folder).float()
    if kept != LAST:
        weights = dequantise_int8(Folder(str(folder)).read_tensors(kept, 1))
        model.load_state_dict(weights, strict=False)  # the head is the embedding
    loaded = load_model(model.eval(), AutoTokenizer.from_pretrained(folder))
    return replace(loaded, name=NAME if kept == LAST else f"{NAME} at step {step}")


def steps_of(folder: str | Path = WEIGHTS) -> list[int]:
    """The steps of the training whose weights are kept, the end last."""
    return [step for step, _ in record(folder)["checkpoints"]]


def weight_file(folder: str | Path = WEIGHTS, step: int | None = None) -> str:
    """Where the weights of a step are, beneath the folder.

    Errors: ConfigError for a step of which none were kept.
    """
    if step is None:
        return LAST
    kept = steps_of(folder)
    if step not in kept:
        raise ConfigError(
            f"no weights were kept of step {step} of the code model's training; there are those "
            f"of the steps {', '.join(map(str, kept))}"
        )
    return LAST if step == kept[-1] else step_file(step)


def step_file(step: int) -> str:
    """The file of the weights of an earlier step."""
    return f"steps/{step:06d}.safetensors"


def record(folder: str | Path = WEIGHTS) -> dict[str, Any]:
    """Training settings, loss curve and held-out loss of the model.

    settings; python: the version whose library it read; data: modules, tokens and characters of
    the training and the held-out part; loss: the loss curve in nats, [step, mean over the steps
    since the last point]; checkpoints: [step, held-out loss] of the weights in bfloat16, and
    checkpoints_in_8_bits as the earlier ones are shipped; held_out: loss and perplexity at the
    end, as it is shipped, and the perplexity of the n-gram model on the same tokens.
    """
    measured: dict[str, Any] = Folder(str(folder)).read_json(RECORD)
    return measured
