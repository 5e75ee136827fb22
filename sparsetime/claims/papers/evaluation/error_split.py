"""SAE dark matter: how much of the error is linear, and what either part costs the model."""

from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.sampling.model_windows import token_windows
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.interventions.lm_loss import next_token_loss
from sparsetime.metrics.error_split import ErrorSplit, fit_error_split, unexplained

SITE = "model.layers.1"
WIDTHS, K, ROWS = (256, 1024), 16, 40_000
WINDOWS, LENGTH = 32, 128


@claim(
    "error_split",
    system=57,
    says="A linear map predicts part of the error of a dictionary from the activation, and more of "
    "its squared norm; either part, added to the reconstruction, lowers the loss, at both widths.",
    data="the Python-source model, layer 1 of 4; maps are fitted on tuning documents, values are "
    "of held-out documents",
    expects=[
        AtLeast("R2 of the error at 256", than=0.05),
        AtLeast("R2 of the error at 1024", than=0.05),
        Less("R2 of the error at 256", than="R2 of its norm at 256"),
        Less("R2 of the error at 1024", than="R2 of its norm at 1024"),
        Less("loss with the linear part at 256", than="loss of the reconstruction at 256"),
        Less("loss with the linear part at 1024", than="loss of the reconstruction at 1024"),
        Less("loss with the nonlinear part at 256", than="loss of the reconstruction at 256"),
        Less("loss with the nonlinear part at 1024", than="loss of the reconstruction at 1024"),
    ],
    seconds=80,
    rule="a report fits error from activations linearly, giving R2 for vector and norm, and "
    "compares downstream loss from each part across SAE sizes.",
    notes="Losses are increases over the unchanged model, in nats, on held-out windows with x_hat "
    "plus one part at the site. Two widths stand for the paper's many.",
    null=lambda lab, seed: _shuffled(lab, seed),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Maps from x to the error of TopK dictionaries of two widths."""
    return _values(lab, seed)


def _shuffled(lab: Lab, seed: int) -> dict[str, float]:
    return _values(lab, seed, shuffled=True)


@torch.no_grad()
def _values(lab: Lab, seed: int, shuffled: bool = False) -> dict[str, float]:
    """shuffled: the null, in which each activation is given another row's error."""
    code = lab.code(SITE)
    assert code.bed.model is not None
    model = code.bed.model.model
    tokens = token_windows(code.held_out_store, LENGTH)[:WINDOWS]
    plain = float(next_token_loss(model, tokens))
    values = {}
    for width in WIDTHS:
        sae = dictionary("topk", d_in=code.d, width=width, k=K, seed=seed)
        with torch.enable_grad():
            lab.train(sae, code.train, rows=ROWS, seed=seed)
        order = _order(len(code.tuning), seed) if shuffled else torch.arange(len(code.tuning))
        error = (code.tuning - sae(code.tuning))[order]
        split = fit_error_split(code.tuning, error)
        norm = fit_error_split(code.tuning, error.square().sum(1, keepdim=True))
        held_out = torch.Tensor(code.held_out) - sae(code.held_out)
        values[f"R2 of the error at {width}"] = _r2(split, code.held_out, held_out)
        squared = held_out.square().sum(1, keepdim=True)
        values[f"R2 of its norm at {width}"] = _r2(norm, code.held_out, squared)

        for name, weights in {
            "of the reconstruction": (0.0, 0.0),
            "with the linear part": (1.0, 0.0),
            "with the nonlinear part": (0.0, 1.0),
        }.items():
            added = partial(_with_parts, sae, split, *weights)
            loss = next_token_loss(model, tokens, SITE, added)
            values[f"loss {name} at {width}"] = float(loss) - plain
    return values


def _with_parts(
    sae: Dictionary, split: ErrorSplit, linear: float, rest: float, x: Tensor
) -> Tensor:
    """The reconstruction plus shares of the linear and of the nonlinear part of its error."""
    rows = x.flatten(0, 1)
    made, predicted = sae(rows), split.linear_part(rows)
    parts: Tensor = made + linear * predicted + rest * (rows - made - predicted)
    return parts.view_as(x)


def _order(rows: int, seed: int) -> Int[Tensor, " rows"]:
    return torch.randperm(rows, generator=seeds.torch_generator(seed, "random choice"))


def _r2(split: ErrorSplit, x: Float[Tensor, "rows d"], target: Float[Tensor, "rows m"]) -> float:
    residual, around = unexplained(split, x, target)
    return float(1 - residual.sum() / around.sum())
