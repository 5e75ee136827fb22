"""Transcoder in the place of an MLP against an SAE of its output: increase in CE."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.activations.sampling.model_windows import token_windows
from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, Less, claim
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.interventions.lm_loss import next_token_loss
from sparsetime.interventions.patch import patched

WIDTH, K, ROWS = 1024, 32, 100_000
READ, WRITTEN = "model.layers.1.post_attention_layernorm", "model.layers.1.mlp"
WINDOWS, LENGTH = 48, 128


@claim(
    "transcoder",
    says="At equal k, a transcoder in an MLP's place increases cross-entropy at most a quarter "
    "more than an SAE of the MLP's output does, and far less than the mean output.",
    data="the second MLP of the code model, held-out documents",
    expects=[
        AtMost("CE increase, transcoder", than="CE increase, SAE of the output", times=1.25),
        Less("CE increase, transcoder", than="CE increase, MLP's mean output", times=0.5),
    ],
    notes="A transcoder has to learn the function of the MLP, which it does only in part in so "
    "short a training; the SAE reads the output. Interpretability, judged by people in the paper, "
    "is left out.",
    seconds=80,
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """CE increase: nats a token. The mean output is the baseline without the MLP."""
    read, written = lab.code(READ), lab.code(WRITTEN)
    transcoder, sae = (
        dictionary(recipe, d_in=read.d, width=WIDTH, k=K, seed=seed)
        for recipe in ("transcoder", "topk")
    )
    both = {"x": read.train, "target": written.train}
    lab.train(transcoder, both, rows=ROWS, seed=seed)
    lab.train(sae, written.train, rows=ROWS, seed=seed)
    assert read.bed.model is not None
    model = read.bed.model.model
    tokens = token_windows(read.held_out_store, LENGTH)[:WINDOWS]
    mean = written.train.mean(0)
    plain = float(next_token_loss(model, tokens).detach())

    def increase(replace: Callable[[Tensor], Tensor]) -> float:
        with torch.no_grad():
            return float(next_token_loss(model, tokens, WRITTEN, replace)) - plain

    recorder = _Recorder()
    with patched(model, READ, recorder, *tokens.shape):
        with_transcoder = increase(lambda _: transcoder(recorder.x))
    return {
        "CE increase, transcoder": with_transcoder,
        "CE increase, SAE of the output": increase(sae),
        "CE increase, MLP's mean output": increase(lambda x: mean.expand_as(x)),
        "FVU of the transcoder": lab.fvu(transcoder, read.held_out, written.held_out),
        "FVU of the SAE": lab.fvu(sae, written.held_out),
    }


class _Recorder:
    """Identity that keeps the last activations."""

    x: Float[Tensor, "batch time d"]

    def __call__(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time d"]:
        self.x = x
        return x
