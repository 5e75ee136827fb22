"""Input and output scores of features: what fires them, and what they make the model write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime.codes import concatenate
from sparsetime.errors import ConfigError
from sparsetime.interventions.logits import kept_steps
from sparsetime.interventions.token_effects import token_effects
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.hooks import recording
from sparsetime.models.load import LoadedModel
from sparsetime.progress import progress as running
from sparsetime.steering.effect_windows import windows_of
from sparsetime.steering.null_features import strength_of_norm
from sparsetime.steering.prompts import special_tokens, tokens_of
from sparsetime.steering.steer import steer
from sparsetime.steering.steered_sites import steered_sites

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


@final
@dataclass(frozen=True, eq=False)
class FeatureScores:
    """Scores of features, in their order.

    input: share of a feature's top activating tokens that are among those it writes. output: how
    likely and how high up the token that it writes first becomes when it is amplified. written:
    the tokens whose logits its atom raises most, [features, top]. density: share of steps on which
    each fires.
    """

    features: Int[np.ndarray, " features"]
    input: Float[np.ndarray, " features"]
    output: Float[np.ndarray, " features"]
    written: Int[np.ndarray, "features top"]
    density: Float[np.ndarray, " features"]

    def above(self, share: float = 0.75) -> Int[np.ndarray, " some"]:
        """Features whose output score is above that share of the scored ones, highest first.

        Errors: ConfigError for a share outside of [0, 1).
        """
        if not 0 <= share < 1:
            raise ConfigError(f"got share={share}, expected from 0 to below 1")
        order = np.argsort(-self.output, kind="stable")
        return np.asarray(self.features[order[: round((1 - share) * len(order))]])


@torch.no_grad()
def feature_scores(
    model: nn.Module | LoadedModel,
    dictionaries: Any,
    data: Any,
    features: Sequence[int] | None = None,
    *,
    prompts: Sequence[str] | Tensor,
    dose: float = 1.0,
    top: int = 20,
    moments: int = 32,
    window: int = 64,
    windows: int = 128,
    tokenizer: Any = None,
    progress: bool = True,
) -> FeatureScores:
    """Score features by what fires them and by what they cause.

        input_i  = share of the tokens at the `moments` largest activations of i that are in W_i
        output_i = max over t in W_i of mean over prompts of (1 - rank(t) / tokens) p'(t)

    W_i: the `top` tokens whose logits atom i raises most. p', rank: of the next token behind a
    prompt, 0 first, with the atom added at its last step. Features with a high output score are the
    ones to steer with; those with a high input score alone follow the text.

    data: a store of texts, texts, or tokens, read in windows, for the activations. features: None
    scores all that fire at least `moments` times. dose: norm of what is added over the site's
    spread.

    Source: Arad, Mueller and Belinkov 2025, SAEs are good for steering - if you select the right
    features, arXiv:2505.20063; the form of the output score is theirs, counts and prompts are ours.

    Errors: ConfigError for settings out of range; MismatchError for a model without an unembedding
    of the site's width; those of `steer`.
    """
    if not dose > 0 or min(top, moments) < 1:
        raise ConfigError(
            f"got dose={dose}, top={top} and moments={moments}; expected more than 0, and 1 or more"
        )
    loaded = load_causal_model(model, tokenizer)
    sites = steered_sites(loaded, dictionaries)
    if len(sites) > 1:
        raise ConfigError(f"got {len(sites)} sites, expected one; score them one at a time")
    ((site, sae),) = sites.items()
    wrong = [one for one in features or () if not 0 <= one < sae.width]
    if wrong:
        raise ConfigError(f"got feature {wrong[0]}, expected 0 to {sae.width - 1}")
    inputs = windows_of(data, loaded, window, windows)
    token, feature, value, steps = _activations(loaded, site, sae, inputs)
    counts = np.bincount(feature, minlength=sae.width)
    chosen = np.flatnonzero(counts >= moments) if features is None else np.array(list(features))
    atoms = sae.atoms.detach()[torch.from_numpy(chosen)].float().cpu()
    written = token_effects(loaded.model, atoms).topk(top, dim=1).indices.numpy()
    inside = np.zeros(len(chosen))
    for place, number in enumerate(chosen.tolist()):
        own = np.flatnonzero(feature == number)
        largest = own[np.argsort(-value[own], kind="stable")[:moments]]
        inside[place] = np.isin(token[largest], written[place]).mean() if len(largest) else 0.0
    caused = _output_scores(loaded, site, sae, chosen, written, prompts, dose, progress)
    return FeatureScores(chosen, inside, caused, written, counts[chosen] / steps)


def _activations(
    model: LoadedModel, site: str, sae: Dictionary, inputs: Int[Tensor, "windows time"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Token, feature and value of every active entry, and the number of steps."""
    codes = []
    special = kept_steps(inputs, special_tokens(model.tokenizer))
    for part in inputs.split(16):
        with recording(model.model, site) as activations:
            model.model(input_ids=part, use_cache=False)
        codes.append(sae.encode(activations[site].flatten(0, 1)))
    code = concatenate(codes)
    row = code.row_of_entry
    tokens = inputs.flatten()
    kept = code.values > 0
    if special is not None:
        kept &= ~special.flatten()[row]
    return (
        tokens[row[kept]].numpy(),
        code.indices[kept].numpy(),
        code.values[kept].numpy(),
        code.rows,
    )


def _output_scores(
    model: LoadedModel,
    site: str,
    sae: Dictionary,
    features: Int[np.ndarray, " features"],
    written: Int[np.ndarray, "features top"],
    prompts: Any,
    dose: float,
    progress: bool,
) -> Float[np.ndarray, " features"]:
    from sparsetime.interventions.spans import last

    tokens = (
        [tokens_of(one, model)[0] for one in prompts]
        if isinstance(prompts, list | tuple)
        else prompts
    )
    norm = dose * float(sae.output_normalisation.scale.mean())
    scores = np.zeros(len(features))
    with running("output scores", len(features), "features", progress) as bar:
        for place, number in enumerate(features.tolist()):
            strength = strength_of_norm(sae, number, norm)
            run = steer(
                model, {site: sae}, {site: {number: strength}}, span=last(1), units="activation"
            )
            given = [tokens] if isinstance(tokens, Tensor) else [row[None] for row in tokens]
            parts = [run.read(one).logits[:, -1].float() for one in given]
            logits = torch.cat(parts)
            own = torch.from_numpy(written[place])
            probability = logits.softmax(-1)[:, own]
            rank = (logits[:, None, :] > logits[:, own, None]).sum(-1)
            by_token = (1 - rank / logits.shape[1]) * probability
            scores[place] = float(by_token.mean(0).max())
            bar.advance()
    return scores
