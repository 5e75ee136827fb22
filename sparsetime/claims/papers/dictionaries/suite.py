"""Llama Scope: dictionaries of all layers in one call, on longer contexts and a tuned copy."""

from copy import deepcopy
from functools import cache
from tempfile import TemporaryDirectory

import torch
from torch import nn

from sparsetime.activations.capture.document import Document
from sparsetime.claims.claim import UNTRAINED, AtLeast, AtMost, Lab, claim
from sparsetime.interventions.lm_loss import next_token_loss
from sparsetime.models.load import LoadedModel
from sparsetime.suites.suite import suite
from sparsetime.testbeds.prose.build import documents as prose
from sparsetime.testbeds.python_code.build import PythonCodeSettings, documents
from sparsetime.testbeds.python_code.pretrained import code_model

SITES = ["model.layers.*", "model.layers.*.self_attn", "model.layers.*.mlp"]
WIDTH, K, ROWS, TOKENS = 512, 16, 15_000, 40_000
SHORT, LONG = 64, 256  # tokens; the dictionaries are trained on windows of the first length
STEPS, BATCH, RATE = 30, 8, 3e-4  # of the fine-tuning


@claim(
    "suite",
    says="One call trains a dictionary for every layer and sublayer; on four times longer "
    "contexts, and in a fine-tuned copy, they increase cross-entropy little more than in training.",
    data="all four layers of the code model with their sublayers; a copy fine-tuned on prose",
    system=166,
    uses=["topk"],
    expects=[
        AtLeast("dictionaries", than=12),
        AtMost("CE increase, longer contexts", than="CE increase, as learnt", times=1.25),
        AtMost("CE increase, fine-tuned copy", than="CE increase, as learnt", times=1.25),
    ],
    notes="A CE increase is a mean over the dictionaries, in nats a token of held-out code. The "
    "paper's longer contexts and its fine-tuned copy are of Llama 3.1.",
    null=UNTRAINED,
    rule="One command trains SAEs for all layers and sublayers, then reports loss change on "
    "longer contexts and a fine-tuned copy.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Seeds differ in weights and in the order of rows."""
    model, tuned, texts = _prepared()
    with TemporaryDirectory(prefix="sparsetime-claim-") as folder:
        trained = suite(
            model,
            texts,
            SITES,
            folder,
            width=WIDTH,
            settings={"k": K},
            capture={"window": SHORT, "dtype": "float16"},
            train={"rows": ROWS, "batch": 256, "learning_rate": 5e-3, "seed": seed},
            seed=seed,
            contexts=[SHORT, LONG],
            copies={"tuned": tuned},
            tokens=2048,
            progress=False,
        )
    rises = {
        name: sum(entry.ce_increase[name] for entry in trained.entries) / len(trained.entries)
        for name in trained.entries[0].ce_increase
    }
    return {
        "dictionaries": len(trained.entries),
        "CE increase, as learnt": rises[f"{SHORT} tokens"],
        "CE increase, longer contexts": rises[f"{LONG} tokens"],
        "CE increase, fine-tuned copy": rises[f"{SHORT} tokens, tuned"],
        "mean FVU": sum(entry.fvu for entry in trained.entries) / len(trained.entries),
    }


@cache
def _prepared() -> tuple[LoadedModel, nn.Module, list[Document]]:
    """The model, a copy fine-tuned on prose, and documents of code."""
    model = code_model()
    settings = PythonCodeSettings.model_validate({"tokens": TOKENS})
    return model, _tuned(model), documents(model.tokenizer, settings)


def _tuned(model: LoadedModel) -> nn.Module:
    copy = deepcopy(model.model)
    tokenizer = model.tokenizer
    assert tokenizer is not None
    text = "\n".join(document.text or "" for document in prose(4 * STEPS * BATCH * SHORT))
    tokens = torch.tensor(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
    windows = tokens[: len(tokens) // SHORT * SHORT].reshape(-1, SHORT)[: STEPS * BATCH]
    optimiser = torch.optim.AdamW(copy.parameters(), lr=RATE)
    for some in windows.split(BATCH):
        optimiser.zero_grad()
        next_token_loss(copy, some).backward()
        optimiser.step()
    return copy.eval()
