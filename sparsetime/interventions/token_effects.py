"""What directions add to a language model's logits."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.errors import MismatchError
from sparsetime.models.unembedding import unembedding_weight


@torch.no_grad()
def token_effects(
    model: nn.Module, vectors: Float[Tensor, "some d"]
) -> Float[Tensor, "some tokens"]:
    """The direct effect of each direction on all logits, centred over tokens, of length one.

        e_i = W v_i - mean over tokens,   W: the unembedding

    The last normalisation is left out: it scales all directions alike but for its weights.

    Errors: MismatchError for a model without an unembedding of this width.
    """
    weight = unembedding_weight(model)
    if weight is None:
        weight = unembedding_weight(getattr(model, "model", model))
    if weight is None or weight.shape[1] != vectors.shape[1]:
        raise MismatchError(
            f"{type(model).__name__} has no unembedding of {vectors.shape[1]} dimensions; match by "
            f"'atoms' or 'codes'"
        )
    effect = vectors @ weight.float().cpu().T
    return nn.functional.normalize(effect - effect.mean(1, keepdim=True), dim=1)
