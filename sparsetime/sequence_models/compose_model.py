"""Composition of a sequence model from components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from sparsetime import seeds
from sparsetime.errors import ConfigError, unknown_name
from sparsetime.sequence_models.block import SequenceBlock
from sparsetime.sequence_models.channels.channel import Channel
from sparsetime.sequence_models.heads.head import Head
from sparsetime.sequence_models.mixers.mixer import Mixer
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.sequence_models.sequence_component import SequenceComponent
from sparsetime.sequence_models.views.view import ViewComponent
from sparsetime.torch_settings import with_gradients

#: A component, its kind, or a mapping with "kind" and settings.
Described = str | Mapping[str, Any] | SequenceComponent


def compose_model(
    view: Described,
    mixers: Described | Sequence[Described],
    heads: Described | Sequence[Described] = (),
    *,
    d: int = 64,
    channel: Described | None = "mlp",
    name: str = "composed",
    seed: int = 0,
    **sizes: Any,
) -> SequenceModel:
    """A new sequence model: a view, a block for every mixer, and heads.

    A component is its kind (`"attention"`), its kind with settings (`{"kind": "attention",
    "window": 64}`), or an object. d: dimension of the vectors. channel: of every block, after its
    mixer; None for none. sizes: settings that several components share, such as `vocabulary=32` or
    `d_in=3`, filled in where a component takes them. seed: of the weights.

    Errors: UnknownNameError for an unknown component or setting and for a size that no component
    takes, with the nearest names; ConfigError for settings out of range, for two heads of one kind,
    and where there is no mixer.
    """
    described = [mixers] if isinstance(mixers, str | Mapping | SequenceComponent) else list(mixers)
    if not described:
        raise ConfigError("got no mixers, expected at least one; give mixers='attention'")
    wanted = [heads] if isinstance(heads, str | Mapping | SequenceComponent) else list(heads)
    common = {"d": d, **sizes}
    with with_gradients(), seeds.torch_globals(seed, "initial weights of a sequence model"):
        blocks = [
            SequenceBlock(
                d,
                Mixer.from_description(one, common),
                None if channel is None else Channel.from_description(channel, common),
            )
            for one in described
        ]
        model = SequenceModel(
            ViewComponent.from_description(view, common),
            blocks,
            [Head.from_description(one, common) for one in wanted],
            d,
            name,
        )
    taken = {
        *ViewComponent.names_of_settings(view),
        *chain.from_iterable(map(Mixer.names_of_settings, described)),
        *(() if channel is None else Channel.names_of_settings(channel)),
        *chain.from_iterable(map(Head.names_of_settings, wanted)),
    }
    for size in sorted(sizes.keys() - taken):
        raise unknown_name("setting of the components", size, taken)
    return model


def model_from_config(config: Mapping[str, Any]) -> SequenceModel:
    """The model that `SequenceModel.to_config` describes, with random weights."""
    with with_gradients(), seeds.torch_globals(0, "initial weights of a sequence model"):
        d = int(config["d"])
        blocks = [
            SequenceBlock(
                d,
                Mixer.from_config(one["mixer"]),
                None if one["channel"] is None else Channel.from_config(one["channel"]),
            )
            for one in config["blocks"]
        ]
        for block, one in zip(blocks, config["blocks"], strict=True):
            block.mixer.lags = int(one.get("lags", block.mixer.lags))
        model = SequenceModel(
            ViewComponent.from_config(config["view"]),
            blocks,
            [Head.from_config(one) for one in config["heads"]],
            d,
            str(config["name"]),
        )
    model.provenance = dict(config.get("provenance", {}))
    return model
