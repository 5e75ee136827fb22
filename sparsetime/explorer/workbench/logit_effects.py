"""What a feature writes to the model's output, where the model has an unembedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sparsetime.errors import DataError, MismatchError
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.feature import check_feature
from sparsetime.explorer.workbench.live import Live
from sparsetime.explorer.workbench.run_cache import RunCache

if TYPE_CHECKING:
    from torch import Tensor

    from sparsetime.models.load import LoadedModel

SHOWN = 12


class Written(FrozenRecord):
    """A token, and how far a feature's atom moves its logit beyond the mean token's."""

    token: Text
    logit: float


class LogitEffects(FrozenRecord):
    """The tokens that a feature's atom raises and lowers most, straight at the unembedding."""

    raised: list[Written]
    lowered: list[Written]


def logit_effects(opened: RunCache, live: Live, key: str, number: int) -> LogitEffects:
    """The atom times the unembedding, the mean over tokens taken away: the direct path alone.

    What later layers make of the feature is not in it, nor the last normalisation. The atom has
    length one, so a logit is what one unit of activation along it adds.

    Errors: ConfigError for a feature that does not exist; DataError where the model has no
    unembedding; those of `Live.model`.
    """
    import torch

    check_feature(opened, key, number)
    loaded = live.model(opened.dictionary(key).store)
    out = unembedding(loaded)
    atom = opened.atoms(key)[number].to(out.device, out.dtype)
    if out.shape[1] != len(atom):
        raise MismatchError(
            f"the atoms have {len(atom)} dimensions and the model's unembedding {out.shape[1]}; "
            f"only features of the residual stream write to the output directly"
        )
    with torch.no_grad():
        logits = (out @ atom).float().cpu()
    logits = logits - logits.mean()
    shown = min(SHOWN, len(logits))
    return LogitEffects(
        raised=_tokens(loaded.tokenizer, logits, logits.topk(shown).indices),
        lowered=_tokens(loaded.tokenizer, logits, (-logits).topk(shown).indices),
    )


def unembedding(loaded: LoadedModel) -> Tensor:
    """The matrix [tokens, d] that makes logits. Errors: DataError where the model has none."""
    from sparsetime.models.unembedding import unembedding_weight

    weight = unembedding_weight(loaded.model)
    if weight is None:
        raise DataError(
            f"the model {loaded.name!r} has no unembedding, so its features write no tokens"
        )
    return weight


def _tokens(tokenizer: Any, logits: Tensor, chosen: Tensor) -> list[Written]:
    return [
        Written(
            token=f"token {n}" if tokenizer is None else tokenizer.decode([n]) or f"token {n}",
            logit=float(logits[n]),
        )
        for n in chosen.tolist()
    ]
