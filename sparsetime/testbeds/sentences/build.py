"""Sentence testbed: activations of SmolLM2-135M-Instruct on labelled English sentences."""

from __future__ import annotations

from typing import final

from pydantic import Field

from sparsetime.activations.capture.capture import capture
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.config import Settings
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.english.pretrained import NAME, english_model
from sparsetime.testbeds.finished_build import finished_build
from sparsetime.testbeds.sentences.texts import labelled_sentences
from sparsetime.testbeds.wheels.register import pinned


@final
class SentenceSettings(Settings):
    """Which texts and site are captured of SmolLM2-135M-Instruct."""

    rows: int = Field(240, ge=4, description="texts of each of 15 tables, twice as many of reviews")
    site: str = Field("model.layers.14", description="by default the middle of 30 layers")
    window: int = Field(128, ge=8, description="tokens that the model sees at once")


def content_version(_: SentenceSettings) -> str:
    """The weights and the texts that the bytes depend on beside the settings."""
    return f"{NAME}, sae-probes {pinned('sae-probes').sha256[:12]}"


def build(folder: str, settings: SentenceSettings, show: bool) -> Testbed:
    """Capture the sentences, or open a finished build.

    The first token of a text is left out, as in the testbed `english`.

    Errors: StoreError where the folder holds the finished build of other weights; those of
    `labelled_sentences`.
    """
    model = english_model()
    store = finished_build(folder, model)
    if store is None:
        store = capture(
            model,
            labelled_sentences(settings.rows),
            settings.site,
            folder,
            window=settings.window,
            dtype="float16",
            exclusion=StepExclusion(first=1),
            progress=show,
        )
    return Testbed("sentences", store, ("label", "table"), model=model)
