"""QK attribution: which pairs of features make an attention head attend to a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.circuits.attention_scores import scores_of_pass
from sparsetime.circuits.targets import tokens_of
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, DataError
from sparsetime.interventions.frozen_functions import FrozenFunctions
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.load import LoadedModel
from sparsetime.steering.steered_sites import steered_sites

if TYPE_CHECKING:
    import pyarrow as pa

_TOLERANCE = 1e-4  # of the largest sum of absolute parts
ERROR, BIAS = -1, -2


@final
@dataclass(frozen=True, eq=False)
class ScoreAttribution:
    """A score before the softmax as a sum over pairs of what is at the query and at the key.

    score: of the head, its mask left out. query_latents, key_latents: the active latents at each
    step, then -1 for the error of the dictionary and -2 for all that is constant. pairs: what each
    pair adds, [query parts, key parts]; their sum is the score.
    """

    score: float
    query_latents: Sequence[int]
    key_latents: Sequence[int]
    pairs: Float[Tensor, "queries keys"]

    def table(self) -> pa.Table:
        """One row a pair, the largest absolute contribution first: query, key, contribution."""
        import pyarrow as pa

        order = self.pairs.abs().flatten().argsort(descending=True, stable=True)
        rows, columns = order // self.pairs.shape[1], order % self.pairs.shape[1]
        return pa.table(
            {
                "query": [self.query_latents[row] for row in rows.tolist()],
                "key": [self.key_latents[column] for column in columns.tolist()],
                "contribution": self.pairs.flatten()[order].double().numpy(),
            }
        )


def score_attribution(
    model: str | Path | nn.Module | LoadedModel,
    dictionary: Dictionary,
    text: Any,
    module: str,
    head: int,
    *,
    query: int,
    key: int,
    site: str | None = None,
    tokenizer: Any = None,
) -> ScoreAttribution:
    """Divide the score of a head, from one step to an earlier one, among pairs of features.

        score(t, s) = sum over i, j of u_i^T H v_j + p · sum_i u_i + q · sum_j v_j + c

    u, v: what the residual stream holds at the query's step t and at the key's step s, as features
    of the dictionary, its error and its bias; H = d² score / dx_t dx_s with the scales of
    normalisation frozen, in which the score is bilinear. p, q and c are what biases contribute.

    module: attention module, as `head_effects` names it. head: its number. site: the residual
    stream that the attention reads; None for that of the dictionary. text: or tokens [time].

    Source: Kamath et al. 2025, Tracing Attention Computation Through Feature Interactions; the
    check that the score is bilinear is ours.

    Errors: ConfigError for steps that are not key < query, or beyond the text, an unknown head, and
    a dictionary that is no SAE of single steps; DataError where the score is not bilinear in the
    site within 1e-4, as behind an MLP.
    """
    loaded = load_causal_model(model, tokenizer)
    ids, _ = tokens_of(text, loaded.tokenizer)
    if not 0 <= key < query < len(ids):
        raise ConfigError(
            f"got query={query} and key={key} in {len(ids)} tokens, expected 0 <= key < query < "
            f"{len(ids)}; a step's score with itself does not divide into two sides"
        )
    if dictionary.is_stateful or dictionary.out_dims is not None or dictionary.skip is not None:
        raise ConfigError(
            f"got the dictionary {dictionary.name!r}, expected an SAE that reconstructs what it "
            "reads from each step alone"
        )
    given = dictionary if site is None else {site: dictionary}
    (where,) = steered_sites(loaded, given)
    measured = _BilinearScore(loaded.model, ids, where, module, head, query, key)
    u, v = measured.u, measured.v
    sides = [_parts(dictionary, x) for x in (u, v)]
    (query_latents, rows), (key_latents, columns) = sides
    pairs = torch.zeros(len(rows) + 1, len(columns) + 1, dtype=torch.float64)
    pairs[:-1, :-1] = rows @ measured.hessian @ columns.T
    pairs[:-1, -1] = rows @ measured.query_slope
    pairs[-1, :-1] = columns @ measured.key_slope
    pairs[-1, -1] = measured.constant
    return ScoreAttribution(measured.score, query_latents, key_latents, _summed(pairs).float())


@final
class _BilinearScore:
    """A score as a bilinear function of one site at two steps: score = u^T H v + p·u + q·v + c."""

    def __init__(
        self, model: nn.Module, ids: Tensor, site: str, module: str, head: int, query: int, key: int
    ) -> None:
        frozen = FrozenFunctions()

        def run(change: Callable[[Tensor], Tensor], mode: FrozenFunctions) -> tuple[Tensor, Tensor]:
            found, x = scores_of_pass(model, ids, site, change, mode, module, head)
            return found[query, key], x

        with torch.enable_grad():
            score, x = run(lambda x: x.detach().requires_grad_(), frozen)
            first = _slopes(score, x)
            if first is None:
                raise DataError(
                    f"the score of head {head} of {module!r} does not depend on the site {site!r}; "
                    "give the residual stream that the attention reads"
                )
            d = x.shape[-1]
            slope = first[0, query]
            constant = torch.zeros(d, d, dtype=torch.float64)
            self.hessian = _rows(slope, x, key) if slope.requires_grad else constant
        u, v = (x.detach()[0, step].double() for step in (query, key))
        self.u, self.v, self.score = u, v, float(score.detach())
        at_query, at_key = (first.detach()[0, step].double() for step in (query, key))
        self.query_slope = at_query - self.hessian @ v
        self.key_slope = at_key - self.hessian.T @ u
        self.constant = self.score - float(self.predicted(u, v, constant=0.0))
        # Other activations, with the same scales: a bilinear score is predicted there too.
        draw = seeds.torch_generator(0, "perturbation of an attention score")
        moves = torch.randn(2, d, generator=draw).double() * x.detach().square().mean().sqrt()

        def moved(x: Tensor) -> Tensor:
            y = x.detach().clone()
            y[0, query] += moves[0].to(y)
            y[0, key] += moves[1].to(y)
            return y

        with torch.no_grad():
            other, _ = run(moved, FrozenFunctions(frozen.values))
        expected = float(self.predicted(u + moves[0], v + moves[1], self.constant))
        size = max(abs(expected), abs(float(other)), abs(self.score), 1e-30)
        off = abs(expected - float(other)) / size
        if off > _TOLERANCE:
            raise DataError(
                f"the score of head {head} of {module!r} is not bilinear in {site!r}: off by "
                f"{off:.1e} of its size, expected at most {_TOLERANCE:.0e}; give a dictionary of "
                "the residual stream that the attention reads"
            )

    def predicted(self, u: Tensor, v: Tensor, constant: float) -> Tensor:
        """The bilinear function at other activations."""
        pair: Tensor = u @ self.hessian @ v + self.query_slope @ u + self.key_slope @ v + constant
        return pair


def _slopes(score: Tensor, x: Tensor) -> Tensor | None:
    """D score / d x, which can be differentiated again; None where there is no path."""
    if not score.requires_grad:
        return None
    (found,) = torch.autograd.grad(score, x, create_graph=True, allow_unused=True)
    return found


def _rows(slope: Float[Tensor, " d"], x: Tensor, key: int) -> Float[Tensor, "d d"]:
    """D slope_i / d x at the key's step, for every dimension i."""
    covectors = torch.eye(len(slope)).to(slope)
    (found,) = torch.autograd.grad(slope, x, covectors, is_grads_batched=True, allow_unused=True)
    rows: Tensor = found[:, 0, key].double()
    return rows


def _parts(sae: Dictionary, x: Float[Tensor, " d"]) -> tuple[list[int], Float[Tensor, "parts d"]]:
    """Features, error and bias that sum to an activation, with their numbers."""
    row = x.float()[None]
    code = sae.encode(row)
    scale = sae.output_normalisation.scale
    written = sae.atoms.detach()[code.indices] * scale * code.values.detach()[:, None]
    decoded = sae.decode(code).detach()
    bias = decoded - written.sum(0, keepdim=True)
    parts = torch.cat([written, row - decoded, bias]).double()
    return [*code.indices.tolist(), ERROR, BIAS], parts


def _summed(pairs: Tensor) -> Tensor:
    """Pairs with the decoder's bias and the constants of the score added up, on either side."""
    rows = torch.cat([pairs[:-2], pairs[-2:].sum(0, keepdim=True)])
    return torch.cat([rows[:, :-2], rows[:, -2:].sum(1, keepdim=True)], dim=1)
