"""Cross-layer transcoder against one transcoder per layer: FVU and increase in CE."""

from collections.abc import Callable
from contextlib import ExitStack

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime.activations.sampling.model_windows import token_windows
from sparsetime.activations.sources.paired_sites import paired_sites
from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, Less, claim
from sparsetime.claims.lab.splits import Splits
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.interventions.lm_loss import next_token_loss
from sparsetime.interventions.patch import patched

LAYERS = range(4)
READ = [f"model.layers.{layer}.post_attention_layernorm" for layer in LAYERS]
WRITTEN = [f"model.layers.{layer}.mlp" for layer in LAYERS]
WIDTH, K, ROWS, RATE = 512, 16, 60_000, 5e-3  # of one layer
WINDOWS, LENGTH = 24, 128

#: Replacement of the MLP of a layer, computed from the inputs of all MLPs up to it.
StandIn = Callable[[list[Float[Tensor, "batch time d"]]], Float[Tensor, "batch time d"]]


@claim(
    "cross_layer_transcoder",
    says="With as many latents and no higher L0, a cross-layer transcoder has a lower FVU than one "
    "transcoder a layer, and in the place of all MLPs it increases cross-entropy less.",
    data="all four MLPs of the code model, held-out documents",
    expects=[
        Less("mean FVU, cross-layer", than="mean FVU, one a layer"),
        AtMost("L0, cross-layer", than="L0, one a layer", times=1.05),
        Less("CE increase, cross-layer", than="CE increase, one a layer"),
    ],
    notes="A transcoder of one layer is the same recipe with one site, so both have BatchTopK and "
    "the same k a layer. That paths through circuits become shorter is left out.",
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """FVU and L0: of all four layers. CE increase: nats a token, with all MLPs replaced."""
    reads, writes = [lab.code(site) for site in READ], [lab.code(site) for site in WRITTEN]
    together = _trained(lab, reads, writes, seed)
    single = [_trained(lab, [r], [w], seed) for r, w in zip(reads, writes, strict=True)]
    seen = [read.held_out for read in reads]
    expected_outputs = [written.held_out for written in writes]
    assert reads[0].bed.model is not None
    model = reads[0].bed.model.model
    tokens = token_windows(reads[0].held_out_store, LENGTH)[:WINDOWS]
    plain = float(next_token_loss(model, tokens).detach())
    return {
        "mean FVU, cross-layer": _mean_fvu(
            together(torch.cat(seen, 1)).chunk(4, 1), expected_outputs
        ),
        "mean FVU, one a layer": _mean_fvu(
            [s(x) for s, x in zip(single, seen, strict=True)], expected_outputs
        ),
        "L0, cross-layer": lab.l0(together, torch.cat(seen, 1)),
        "L0, one a layer": sum(lab.l0(s, x) for s, x in zip(single, seen, strict=True)),
        "CE increase, cross-layer": _replaced_loss(model, tokens, _crossing(together)) - plain,
        "CE increase, one a layer": _replaced_loss(model, tokens, _each(single)) - plain,
    }


def _trained(lab: Lab, reads: list[Splits], writes: list[Splits], seed: int) -> Dictionary:
    """One dictionary for some layers, with the same number of latents a layer."""
    sites = len(reads)
    new_sae = dictionary(
        "cross_layer_transcoder",
        d_in=sum(read.d for read in reads),
        d_out=sum(written.d for written in writes),
        width=WIDTH * sites,
        sites=sites,
        k=K * sites,
        seed=seed,
    )
    both = paired_sites([read.train_store for read in reads], [w.train_store for w in writes])
    return lab.train(new_sae, both, rows=ROWS, seed=seed, learning_rate=RATE)


def _mean_fvu(outputs: list[Tensor], targets: list[Tensor]) -> float:
    shares = [
        (one - two).square().sum() / (two - two.mean(0)).square().sum()
        for one, two in zip(outputs, targets, strict=True)
    ]
    return float(torch.stack(shares).mean().detach())


def _crossing(transcoder: Dictionary) -> StandIn:
    """Later sites do not reach a layer, so that zeros can take their place."""

    def stand_in(seen: list[Tensor]) -> Tensor:
        later = [torch.zeros_like(seen[0])] * (len(LAYERS) - len(seen))
        outputs: Tensor = transcoder(torch.cat([*seen, *later], -1))
        return outputs.chunk(len(LAYERS), -1)[len(seen) - 1]

    return stand_in


def _each(transcoders: list[Dictionary]) -> StandIn:
    return lambda seen: transcoders[len(seen) - 1](seen[-1])


@torch.no_grad()
def _replaced_loss(
    model: nn.Module, tokens: Int[Tensor, "windows length"], stand_in: StandIn
) -> float:
    """The model's loss with every MLP replaced, each reading what the replaced model makes."""
    seen: list[Tensor] = []

    def remembered(x: Tensor) -> Tensor:
        seen.append(x)
        return x

    with ExitStack() as stack:
        for read, written in zip(READ, WRITTEN, strict=True):
            stack.enter_context(patched(model, read, remembered, *tokens.shape))
            exchange = patched(model, written, lambda _: stand_in(seen), *tokens.shape)
            stack.enter_context(exchange)
        return float(next_token_loss(model, tokens))
