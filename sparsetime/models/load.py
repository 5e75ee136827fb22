"""Loading of a model and its tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from sparsetime.errors import ConfigError
from sparsetime.models.model_hash import model_hash
from sparsetime.models.wrappers import unwrapped
from sparsetime.sequence_models.serialise import is_sequence_model
from sparsetime.sequence_models.serialise import load as load_sequence_model

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# A folder without these files has no tokenizer; with one that cannot be read, loading fails.
_TOKENIZER_FILES = ("tokenizer*", "vocab*", "merges.txt", "spiece.model", "*.tiktoken")
_LIMITS = (
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_seq_len",
    "max_seq_length",
    "max_sequence_length",
    "seq_length",
    "block_size",
)
_POSITIONS = ("position_embeddings", "position_embedding", "pos_emb", "wpe")
_LARGEST_LIMIT = 10**9  # transformers writes 10**30 for "no limit known"


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to run.

    `name` is the requested name or folder, or the class of a module. `revision_or_hash` is the
    `model_hash` of the model in memory, whatever its origin; `same_model` compares two.
    `tokenizer` is None where the folder has none, or a module came without.
    """

    model: nn.Module
    tokenizer: PreTrainedTokenizerBase | None
    name: str
    revision_or_hash: str

    @cached_property
    def without_head(self) -> tuple[str, LoadedModel] | None:
        """The path of the model within its head and that model; None without a head.

        Its hash is computed once, since that takes seconds of a large model.
        """
        inner = getattr(self.model, "base_model", None)
        path = getattr(self.model, "base_model_prefix", "")
        if not isinstance(inner, nn.Module) or inner is self.model or not path:
            return None
        return path, LoadedModel(inner, self.tokenizer, self.name, model_hash(inner))


def load_model(
    model: str | Path | nn.Module | LoadedModel,
    tokenizer: PreTrainedTokenizerBase | None = None,
    device: str | torch.device | None = None,
) -> LoadedModel:
    """The model by that name or in that folder, as `transformers` loads it, in evaluation mode.

    A folder that `SequenceModel.save` wrote is opened as that model.

    A module is passed through as it is, and neither moved (unless `device` says so) nor switched
    to evaluation mode: it belongs to the caller. Weights keep the dtype they were saved in. Code
    that a repository carries is never run.

    Errors: ConfigError where nothing can be loaded from there, with the reason.
    """
    if isinstance(model, LoadedModel):
        if tokenizer is None and device is None:
            return model
        module, name, loaded = model.model, model.name, model.tokenizer
    elif isinstance(model, nn.Module):
        module, name, loaded = model, _name_of(model), None
    elif isinstance(model, str | Path):
        name = str(model)
        if Path(name).expanduser().is_dir() and is_sequence_model(Path(name).expanduser()):
            module, loaded = load_sequence_model(Path(name).expanduser()), None
        else:
            module, loaded = _from_transformers(name, wants_tokenizer=tokenizer is None)
    else:
        raise ConfigError(
            f"got {type(model).__name__} as model, expected a torch.nn.Module, or a name or folder "
            "that transformers loads"
        )
    if device is not None:
        _move(module, device, name)
    return LoadedModel(module, tokenizer or loaded, name, model_hash(module))


def _move(module: nn.Module, device: str | torch.device, name: str) -> None:
    """Errors: ConfigError where the model is quantised, or spread over devices, and stays there."""
    devices = getattr(module, "hf_device_map", None)
    if isinstance(devices, dict) and len(set(devices.values())) > 1:
        raise ConfigError(
            f"got device={device} for the model {name!r}, which accelerate spread over several; "
            "leave out device=: it runs where it was loaded"
        )
    try:
        module.to(device)
    except (ValueError, RuntimeError, NotImplementedError) as error:
        raise ConfigError(
            f"the model {name!r} cannot be moved to {device}: {_first_line(error)} Leave out "
            "device=: a model that is quantised, or spread over devices, runs where it was loaded"
        ) from error


def longest_input(model: nn.Module, tokenizer: Any = None) -> int | None:
    """The most tokens the model takes at once, special ones included; None where unknown.

    Unknown does not mean unlimited: who runs a model without a known limit chooses one.
    """
    model = unwrapped(model)
    config = getattr(model, "config", None)
    of_text = getattr(config, "get_text_config", None)  # of models of several modalities
    configs = [config, of_text()] if callable(of_text) else [config]
    limits = [getattr(one, name, None) for one in configs for name in _LIMITS]
    limits.append(getattr(tokenizer, "model_max_length", None))
    for path, child in model.named_modules():
        # RoBERTa and related models number positions from after the padding index.
        if path.rpartition(".")[2] in _POSITIONS and isinstance(child, nn.Embedding):
            reserved = 0 if child.padding_idx is None else child.padding_idx + 1
            limits.append(child.num_embeddings - reserved)
    valid = [n for n in limits if isinstance(n, int) and 0 < n < _LARGEST_LIMIT]
    return min(valid) if valid else None


def vocabulary_size(model: nn.Module) -> int | None:
    """Number of tokens of the model's first embedding; None where the model has none."""
    getter = getattr(model, "get_input_embeddings", None)
    if callable(getter):
        try:
            table = getter()
        except Exception:  # a model without tokens, which says so in its own way
            table = None
        if isinstance(table, nn.Embedding):
            return table.num_embeddings
    tables = [m.num_embeddings for m in model.modules() if isinstance(m, nn.Embedding)]
    return max(tables, default=None)


def _name_of(module: nn.Module) -> str:
    module = unwrapped(module)
    config = getattr(module, "config", None)
    return str(getattr(config, "name_or_path", "") or type(module).__name__)


def _from_transformers(name: str, wants_tokenizer: bool) -> tuple[nn.Module, Any]:
    folder = Path(name).expanduser()
    where = str(folder) if folder.exists() else name
    if folder.exists():
        if not (folder / "config.json").is_file():
            raise ConfigError(
                f"{name!r} is not a folder that transformers loads: it has no config.json. Give "
                f"the folder that save_pretrained wrote, or a torch.nn.Module"
            )
    elif name.startswith((".", "~", "/")) or name.count("/") > 1 or "\\" in name:
        raise ConfigError(
            f"the folder {name!r} does not exist. Give a folder with a config.json, a name on "
            f"the Hugging Face hub such as 'gpt2', or a torch.nn.Module"
        )
    from transformers import AutoModel, AutoTokenizer

    try:
        module = AutoModel.from_pretrained(where)
    except Exception as error:  # of the code of any model
        raise ConfigError(
            f"transformers could not load a model from {name!r}: {_first_line(error)} Give a "
            f"folder with a config.json and weights, a name on the Hugging Face hub that is "
            f"reachable or cached, or a torch.nn.Module"
        ) from error
    tokenizer = None
    has_files = not folder.is_dir() or any(any(folder.glob(g)) for g in _TOKENIZER_FILES)
    if wants_tokenizer and has_files:
        try:
            tokenizer = AutoTokenizer.from_pretrained(where)
        except Exception as error:
            if folder.is_dir():
                raise ConfigError(
                    f"the tokenizer in {name!r} could not be loaded: {_first_line(error)}"
                ) from error
    return module.eval(), tokenizer


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(". ") + "."
