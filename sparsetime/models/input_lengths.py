"""Input lengths that a model's config names as the only ones it takes."""

from __future__ import annotations

from torch import nn

from sparsetime.models.wrappers import unwrapped

# Attributes of configs of transformers, and what they are multiplied with: Whisper counts the
# positions behind convolutions that halve the frames, twice as many of which it reads.
_FIXED = {"context_length": 1, "num_frames": 1, "max_source_positions": 2}


def named_lengths(model: nn.Module) -> list[int]:
    """Lengths of the input that the config names, such as frames of a video or of a spectrogram."""
    config = getattr(unwrapped(model), "config", None)
    lengths = [(getattr(config, name, None), factor) for name, factor in _FIXED.items()]
    return [value * factor for value, factor in lengths if isinstance(value, int) and value > 0]
