"""A dictionary read with fewer active latents than it was trained with."""

from __future__ import annotations

import torch

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.serialise import from_config
from sparsetime.dictionaries.sparsifiers.value_threshold import ValueThreshold
from sparsetime.errors import ConfigError, DataError
from sparsetime.tensors import ArrayLike


@torch.no_grad()
def at_mean_l0(dictionary: Dictionary, k: float, data: ArrayLike) -> Dictionary:
    """A copy that drops the smallest activation values, so that the mean L0 of `data` is k.

        theta: halfway between the (k * rows)-th largest |z| of all rows and the next

    Equal values are kept or dropped together, so that the mean may be lower. data: raw activations
    [*shape, d], whole sequences where the dictionary remembers steps; rows on which nothing is
    reported.

    Errors: DataError for data without rows; ConfigError for a k that is not above 0, or above the
    mean L0 of the dictionary on `data`.
    """
    kept = dictionary.sparsifier
    weights = dictionary.state_dict()
    config = dictionary.to_config()
    if isinstance(kept, ValueThreshold):
        weights["sparsifier.threshold"] = torch.zeros_like(kept.threshold)
    else:
        inner = config["sparsifier"]
        config["sparsifier"] = {"kind": "value_threshold", "width": dictionary.width}
        config["sparsifier"]["inner"] = inner
        moved = {name: name for name in weights if not name.startswith("sparsifier.")}
        moved |= {
            name: name.replace("sparsifier.", "sparsifier.inner.", 1)
            for name in weights
            if name not in moved
        }
        weights = {new: weights[old] for old, new in moved.items()}
        weights["sparsifier.threshold"] = torch.tensor(0.0)
    narrow = from_config(config)
    narrow.load_state_dict(weights)
    narrow.to(dictionary.atoms.device).eval()
    code = narrow.encode(data)
    if not code.rows:
        raise DataError("got data without rows, expected rows that the threshold is chosen on")
    most = code.values.numel() / code.rows
    if not 0 < k <= most:
        raise ConfigError(
            f"got k={k:g}, expected a mean L0 above 0 and at most {most:.4g}, that of the "
            "dictionary on these data; train with a larger k to read more latents"
        )
    number = max(1, round(k * code.rows))
    largest = code.values.abs().topk(min(number + 1, code.values.numel())).values
    # Halfway to the next value, so that rounding moves no entry over the threshold.
    threshold = largest[number - 1 :].mean() if len(largest) > number else largest[-1] / 2
    narrow.get_buffer("sparsifier.threshold").copy_(threshold)
    return narrow
