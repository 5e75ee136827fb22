"""Documents sampled from a language model itself."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.activations.capture.document import Document
from sparsetime.errors import ConfigError
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.load import LoadedModel, longest_input
from sparsetime.progress import progress as running

_LONGEST = 512  # as long as the windows of a capture


def sample_documents(
    model: nn.Module | LoadedModel,
    count: int,
    length: int | None = None,
    *,
    seed: int = 0,
    temperature: float = 1.0,
    batch: int = 64,
    begin: int | None = None,
    progress: bool = True,
) -> list[Document]:
    """Sample documents from a causal language model; `capture` takes them as they are.

    model: with its head, as transformers' `AutoModelForCausalLM` loads it. Every document begins
    with the token `begin` alone (None takes the model's own) and is sampled token by token until
    the model ends it or it has `length` tokens, the first included; None takes what the model
    reads at once, at most 512. temperature: 1 samples from the model's distribution as it is.
    batch: documents sampled at once.

    The documents are arrays of tokens and not texts, so that the model reads exactly what it
    sampled. The same seed and batch give the same documents, however many there are.

    Source: Cho et al. 2025, FaithfulSAE, arXiv:2506.17673, who sample so to train dictionaries
    without foreign text.

    Errors: ConfigError for a model that cannot sample, one without a beginning token where none
    is given, or settings out of range.
    """
    module: Any = model.model if isinstance(model, LoadedModel) else model
    if not _can_sample(module):
        raise ConfigError(
            f"{type(module).__name__} cannot write: sampling needs a causal language model with "
            "its head. Load it with transformers.AutoModelForCausalLM.from_pretrained(...), and "
            "capture its samples with that same model"
        )
    if count < 1 or batch < 1 or seed < 0 or not temperature > 0:
        raise ConfigError(
            f"got count={count}, batch={batch}, seed={seed} and temperature={temperature}, "
            "expected count and batch of at least 1, a seed of at least 0 and a temperature above "
            "0"
        )
    limit = longest_input(module, model.tokenizer if isinstance(model, LoadedModel) else None)
    chosen = min(limit or _LONGEST, _LONGEST) if length is None else length
    if chosen < 2 or (limit is not None and chosen > limit):
        most = "" if limit is None else f", and at most the {limit} that the model reads at once"
        raise ConfigError(
            f"length={chosen} is too short or too long: a document has the beginning and at least "
            f"one token after it{most}"
        )
    first = _begin(module, begin)
    documents: list[Document] = []
    with running(f"sample from {type(module).__name__}", count, "documents", progress) as bar:
        for at in range(0, count, batch):
            for tokens in _sample_batch(module, first, batch, chosen, temperature, seed, at):
                name = f"sample-{seed}-{len(documents):06d}"
                documents.append(Document(name, tokens=tokens, source="the model itself"))
            bar.advance(min(batch, count - at))
    return documents[:count]


def _sample_batch(
    model: Any, begin: int, rows: int, length: int, temperature: float, seed: int, first: int
) -> list[Int[Tensor, " time"]]:
    """Token arrays of one batch; the token that ended a document is not part of it.

    first: the number of the first document of the batch.
    """
    from transformers import GenerationConfig

    ends = _ends(model)
    settings = GenerationConfig(
        do_sample=True,
        temperature=temperature,
        top_k=0,
        top_p=1.0,
        max_length=length,
        min_new_tokens=1,
        bos_token_id=begin,
        eos_token_id=ends or None,
        pad_token_id=ends[0] if ends else begin,
        use_cache=True,
    )
    device = next(model.parameters()).device
    beginnings = torch.full((rows, 1), begin, device=device)
    # transformers draws from torch's global generators.
    stream = seeds.torch_globals(seed, "generated documents", first, device=device)
    with stream, eval_mode(model):
        mask = torch.ones_like(beginnings)
        sampled = model.generate(beginnings, attention_mask=mask, generation_config=settings)
    return [_without_end(row, ends) for row in sampled.cpu()]


def _without_end(row: Int[Tensor, " time"], ends: list[int]) -> Int[Tensor, " kept"]:
    ended = torch.isin(row[1:], torch.tensor(ends, dtype=row.dtype)).nonzero()
    return row[: int(ended[0]) + 1].clone() if len(ended) else row


def _can_sample(model: Any) -> bool:
    if not callable(getattr(model, "generate", None)) or model.get_output_embeddings() is None:
        return False
    return not getattr(model.config, "is_encoder_decoder", False)


def _ends(model: Any) -> list[int]:
    ends = model.generation_config.eos_token_id
    return [] if ends is None else list(ends) if isinstance(ends, list | tuple) else [int(ends)]


def _begin(model: Any, requested: int | None) -> int:
    bos_token = model.generation_config.bos_token_id
    candidates = [token for token in (requested, bos_token, *_ends(model)) if token is not None]
    if not candidates:
        raise ConfigError(
            f"{type(model).__name__} says no token that a text begins with; give one as `begin`"
        )
    return int(candidates[0])
