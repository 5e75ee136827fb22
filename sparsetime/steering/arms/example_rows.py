"""Mean activations and codes of example texts at a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.hooks import recording
from sparsetime.steering.prompts import special_tokens, tokens_of

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.models.load import LoadedModel

LONGEST = 256  # tokens of an example that are read


@final
@dataclass(frozen=True, eq=False)
class ExampleRows:
    """Means over the steps of each text.

    rows: activations. codes: of the dictionary. density: share of all steps with a feature active.
    """

    rows: Float[Tensor, "texts d"]
    codes: Float[np.ndarray, "texts width"]
    density: Float[np.ndarray, " width"]


@torch.no_grad()
def example_rows(
    model: LoadedModel,
    site: str,
    sae: Dictionary,
    texts: Sequence[str],
    encoded: str | None = None,
) -> ExampleRows:
    """Read each text, at most its first 256 tokens, and average what the site holds.

    encoded: the site that the dictionary encodes, where that is another one, as of a transcoder.
    Steps that were left out of the dictionary's training and special tokens do not count, unless
    a text has no others.
    """
    exclusion = StepExclusion.of_provenance(sae.provenance).merged(
        StepExclusion(tokens=tuple(sorted(special_tokens(model.tokenizer))))
    )
    rows, codes, steps = [], np.zeros((len(texts), sae.width)), 0
    active = np.zeros(sae.width)
    source = site if encoded is None else encoded
    sites = list(dict.fromkeys((site, source)))
    device = next(model.model.parameters()).device
    for number, text in enumerate(texts):
        tokens = tokens_of(text, model)[:, :LONGEST]
        with eval_mode(model.model), recording(model.model, sites) as read:
            model.model(input_ids=tokens.to(device))
        x, given = (read[one].reshape(tokens.shape[1], -1).float().cpu() for one in (site, source))
        kept = exclusion.kept(given, tokens[0])
        if bool(kept.any()):
            x, given = x[kept], given[kept]
        code = sae.encode(given)
        indices = code.indices.cpu().numpy()
        np.add.at(codes[number], indices, code.values.double().cpu().numpy() / len(x))
        active += np.bincount(indices, minlength=sae.width)
        rows.append(x.mean(0))
        steps += len(x)
    return ExampleRows(torch.stack(rows), codes, active / steps)
