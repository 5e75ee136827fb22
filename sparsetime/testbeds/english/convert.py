"""Conversion of a Llama model from GGUF to the folder that transformers loads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparsetime.errors import DamagedError, StoreError
from sparsetime.files import Folder
from sparsetime.testbeds.english.gguf import GGUFFile

WEIGHTS, RECORD = "model.safetensors", "record.json"
_OF_MODEL = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_OF_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_CONTROL = 3  # GGUF's type of tokens that are no text, such as <|im_start|>


def convert_llama(source: GGUFFile, folder: Folder, origin: Mapping[str, str]) -> None:
    """Write `model.safetensors` (float16), `config.json`, the tokenizer, and the record last.

    float16, since scales and offsets of the 4-bit weights are float16 themselves. `origin` goes
    into the record, with the SHA-256 of each file.

    Errors: StoreError where the file holds no Llama model with a byte-level BPE tokenizer.
    """
    kind = source.metadata.get("general.architecture")
    words = source.metadata.get("tokenizer.ggml.model")
    if (kind, words) != ("llama", "gpt2"):
        raise StoreError(
            f"got a GGUF file of a {kind!r} model with a {words!r} tokenizer, expected 'llama' "
            f"with 'gpt2'"
        )
    config = llama_config(source)
    heads = config["num_attention_heads"], config["num_key_value_heads"]
    weights = {}
    for name in source.entries:
        to, value = _renamed(name), source.tensor(name)
        if to.endswith(("q_proj.weight", "k_proj.weight")):
            value = _halves_of_rotation(value, heads[to.endswith("k_proj.weight")])
        weights[to] = value.astype(np.float16)
    digests = {WEIGHTS: folder.write_tensors(WEIGHTS, weights, metadata={"format": "pt"})}
    # As transformers reads them, which takes no mark of ours: the record has their SHA-256.
    for name, content in {"config.json": config, **tokenizer_files(source)}.items():
        data = json.dumps(content, indent=2, ensure_ascii=False).encode()
        folder.write_bytes(name, data)
        digests[name] = hashlib.sha256(data).hexdigest()
    folder.write_json(RECORD, {**origin, "sha256": digests})


def check_converted(folder: Folder, again: str) -> None:
    """Compare the files of a converted model with its record; weights are checked by their mark.

    Errors: DamagedError, which ends with the advice `again`, where one differs.
    """
    folder.verified_path(WEIGHTS, 1, again)
    for name, digest in folder.read_json(RECORD, 1, again)["sha256"].items():
        if name != WEIGHTS and (not folder.exists(name) or folder.sha256(name) != digest):
            raise DamagedError(f"{folder.url}/{name} is not the file that was converted. {again}")


def llama_config(source: GGUFFile) -> dict[str, Any]:
    """The configuration of the model, in transformers' keys."""
    llama = {
        key.removeprefix("llama."): value
        for key, value in source.metadata.items()
        if key.startswith("llama.")
    }
    ggml = source.metadata
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float16",
        "hidden_act": "silu",
        "hidden_size": llama["embedding_length"],
        "intermediate_size": llama["feed_forward_length"],
        "num_hidden_layers": llama["block_count"],
        "num_attention_heads": llama["attention.head_count"],
        "num_key_value_heads": llama["attention.head_count_kv"],
        "max_position_embeddings": llama["context_length"],
        "rms_norm_eps": round(float(llama["attention.layer_norm_rms_epsilon"]), 12),
        "rope_parameters": {"rope_type": "default", "rope_theta": llama["rope.freq_base"]},
        "tie_word_embeddings": "output.weight" not in source.entries,
        "vocab_size": len(ggml["tokenizer.ggml.tokens"]),
        "bos_token_id": ggml.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": ggml.get("tokenizer.ggml.eos_token_id"),
        "pad_token_id": ggml.get("tokenizer.ggml.padding_token_id"),
    }


def tokenizer_files(source: GGUFFile) -> dict[str, Any]:
    """tokenizer.json and tokenizer_config.json of a byte-level BPE whose digits are single tokens.

    Errors: StoreError for a way of splitting words that is not known.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    ggml = {key.removeprefix("tokenizer.ggml."): v for key, v in source.metadata.items()}
    if ggml.get("pre") != "smollm":
        raise StoreError(
            f"got a tokenizer that splits words as {ggml.get('pre')!r}, expected 'smollm'"
        )
    tokens = ggml["tokens"]
    merges = [tuple(merge.split(" ")) for merge in ggml["merges"]]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [
            AddedToken(token, special=True)
            for token, kind in zip(tokens, ggml["token_type"], strict=True)
            if kind == _CONTROL
        ]
    )
    special = {
        f"{name}_token": tokens[ggml[f"{key}_token_id"]]
        for name, key in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding"))
        if f"{key}_token_id" in ggml
    }
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **special,
        "chat_template": source.metadata.get("tokenizer.chat_template"),
        "model_max_length": source.metadata["llama.context_length"],
        "clean_up_tokenization_spaces": False,
    }
    return {"tokenizer.json": json.loads(tokenizer.to_str()), "tokenizer_config.json": settings}


def _renamed(name: str) -> str:
    """The name of a tensor in transformers' Llama. Errors: StoreError for an unknown one."""
    if name in _OF_MODEL:
        return _OF_MODEL[name]
    place, _, part = name.removeprefix("blk.").partition(".")
    layer, _, leaf = part.partition(".")
    if not name.startswith("blk.") or layer not in _OF_LAYER or leaf != "weight":
        raise StoreError(f"got the tensor {name!r}, expected one of a Llama model without biases")
    return f"model.layers.{place}.{_OF_LAYER[layer]}.weight"


def _halves_of_rotation(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows of a query or key projection in transformers' order.

    GGUF rotates neighbouring rows of a head, (0, 1), (2, 3), ...; transformers rotates row i of its
    first half with row i of its second.
    """
    rows, columns = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)
