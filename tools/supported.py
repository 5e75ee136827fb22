"""Table of the models and sites that each feature of the library supports.

Every cell is computed: a small random model of each kind is run through each feature. A refusal is
the error that the library raises, and its message stands below the table.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

import sparsetime as st

BATCH, TIME, CHANNELS, WIDTH, VOCABULARY = 2, 5, 3, 8, 20


@final
@dataclass(frozen=True)
class ModelKind:
    """A kind of model with a site: `make` returns a small one, which reads tokens or values."""

    title: str
    site: str
    make: Callable[[], nn.Module]
    tokens: bool = False
    time_axis: int = 1

    def inputs(self) -> Tensor:
        """Tokens [batch, time], or values [batch, time, channels]."""
        if self.tokens:
            # From 3 on: BERT's padding is 0, GPT-2's first and last tokens are 0 and 1 here, and a
            # capture leaves out padding at the ends of a document.
            return 3 + torch.arange(BATCH * TIME).reshape(BATCH, TIME) % (VOCABULARY - 3)
        return torch.linspace(-1, 1, BATCH * TIME * CHANNELS).reshape(BATCH, TIME, CHANNELS)


class _Toy(nn.Module):
    """Values [batch, time, channels] to [batch, time, width]; submodules are the sites."""

    def __init__(self, site: nn.Module, axes: tuple[int, ...] = (0, 1, 2), calls: int = 1) -> None:
        super().__init__()
        self.embed = nn.Linear(CHANNELS, WIDTH)
        self.site, self.axes, self.calls = site, axes, calls

    def forward(self, x: Tensor) -> Tensor:
        y = self.embed(x).permute(self.axes)
        for _ in range(self.calls):
            y = self.site(y)
        return y if y.ndim == 3 else self.embed(x)


class _Pool(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1)


class _Labels(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.argmax(dim=2)


class _Swapped(nn.Module):
    """Values [batch, time, channels], through an LSTM that reads [time, batch, channels]."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(CHANNELS, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return self.lstm(x.transpose(0, 1))[0].transpose(0, 1)


def _causal(head: bool) -> nn.Module:
    from transformers import GPT2Config, GPT2LMHeadModel, GPT2Model

    config = GPT2Config(
        vocab_size=VOCABULARY, n_positions=16, n_embd=WIDTH, n_layer=1, n_head=1,
        bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    return (GPT2LMHeadModel if head else GPT2Model)(config).eval()


def _masked() -> nn.Module:
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=VOCABULARY, hidden_size=WIDTH, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=WIDTH, max_position_embeddings=16,
    )  # fmt: skip
    return BertModel(config).eval()


def _meta() -> nn.Module:
    return nn.LSTM(CHANNELS, WIDTH, batch_first=True, device="meta")


KINDS = (
    ModelKind("causal language model, a block", "transformer.h.0", lambda: _causal(True), True),
    ModelKind("the same, a block's input", "transformer.h.0:input", lambda: _causal(True), True),
    ModelKind("causal language model without its head", "h.0", lambda: _causal(False), True),
    ModelKind("bidirectional encoder", "encoder.layer.0", _masked, True),
    ModelKind(
        "any module whose site is [batch, time, d]", "site", lambda: _Toy(nn.Linear(WIDTH, WIDTH))
    ),
    ModelKind(
        "a site that returns a tuple, such as a recurrent module",
        ".",
        lambda: nn.LSTM(CHANNELS, WIDTH, batch_first=True),
    ),
    ModelKind("a site of [time, batch, d], with `time_axis=0`", "lstm", _Swapped, time_axis=0),
    ModelKind(
        "a convolution over time, [batch, d, time], with `time_axis=2`",
        "site",
        lambda: _Toy(nn.Conv1d(WIDTH, WIDTH, 3, padding=1), axes=(0, 2, 1)),
        time_axis=2,
    ),
    ModelKind("a site that pools over time", "site", lambda: _Toy(_Pool())),
    ModelKind("a site without floating-point output", "site", lambda: _Toy(_Labels())),
    ModelKind(
        "a module that is called twice in a pass",
        "site",
        lambda: _Toy(nn.Linear(WIDTH, WIDTH), calls=2),
    ),
    ModelKind(
        "a module that the pass does not call",
        "site",
        lambda: _Toy(nn.Linear(WIDTH, WIDTH), calls=0),
    ),
    ModelKind("weights on the meta device", ".", _meta),
)


def _sites(kind: ModelKind, model: nn.Module) -> None:
    st.sites(model, None if kind.tokens else kind.inputs())


def _capture(kind: ModelKind, model: nn.Module) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/store"
        data = list(kind.inputs())
        st.capture(model, data, kind.site, out, time_axis=kind.time_axis, progress=False)


def _patch(kind: ModelKind, model: nn.Module) -> None:
    with torch.no_grad(), st.interventions.patched(model, kind.site, lambda x: x, BATCH, TIME):
        model(kind.inputs())


def _loss(kind: ModelKind, model: nn.Module) -> None:
    with torch.no_grad():
        st.interventions.next_token_loss(model, kind.inputs(), kind.site, lambda x: x)


def _sample(kind: ModelKind, model: nn.Module) -> None:
    st.sample_documents(model, count=1, length=3, progress=False)


# Each feature with what runs it, and whether it is for models of tokens alone.
FEATURES: dict[str, tuple[Callable[[ModelKind, nn.Module], None], bool]] = {
    "list sites: `st.sites`": (_sites, False),
    "store or stream activations: `st.capture`, `st.stream`": (_capture, False),
    "replace activations: `st.interventions.patched`": (_patch, False),
    "loss with a reconstruction: `ce_increase`, objectives on the model's loss": (_loss, True),
    "sample text: `st.sample_documents`": (_sample, True),
}


def table() -> str:
    """The table in Markdown, with the message of every refusal below it."""
    messages: list[str] = []
    lines = [
        "| model and site | " + " | ".join(FEATURES) + " |",
        "|---|" + "---|" * len(FEATURES),
    ]
    for kind in KINDS:
        cells = [_cell(kind, *feature, messages) for feature in FEATURES.values()]
        lines.append(f"| {kind.title} | " + " | ".join(cells) + " |")
    notes = [f"{number}. {message}" for number, message in enumerate(messages, start=1)]
    return "\n".join([*lines, "", *notes])


def _cell(
    kind: ModelKind,
    use: Callable[[ModelKind, nn.Module], None],
    needs_tokens: bool,
    messages: list[str],
) -> str:
    if needs_tokens and not kind.tokens:
        return "not for values"
    torch.manual_seed(0)
    model: Any = kind.make()
    try:
        use(kind, model)
    except (st.errors.SparsetimeError, RuntimeError) as error:  # RuntimeError: torch's own
        message = f"`{type(error).__name__}`: {str(error).splitlines()[0]}"
        if message not in messages:
            messages.append(message)
        return f"refused ({messages.index(message) + 1})"
    return "yes"
