"""English testbed: activations of SmolLM2-135M-Instruct on documentation, every token labelled."""

from __future__ import annotations

import platform
from typing import final

from pydantic import Field

from sparsetime.activations.capture.capture import capture
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.config import Settings
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.english.pretrained import NAME, english_model
from sparsetime.testbeds.finished_build import finished_build
from sparsetime.testbeds.prose.build import LADDER, documents


@final
class EnglishSettings(Settings):
    """Which text and site are captured of SmolLM2-135M-Instruct."""

    characters: int = Field(400_000, ge=1, description="documents are added up to this number")
    site: str = Field("model.layers.10", description="by default the eleventh of 30 layers")
    window: int = Field(256, ge=8, description="tokens that the model sees at once")
    overlap: int = Field(32, ge=0, description="tokens that a window repeats as context")


def content_version(_: EnglishSettings) -> str:
    """The versions that the bytes depend on beside the settings: of Python and the model."""
    return f"python {platform.python_version()}, {NAME}"


def build(folder: str, settings: EnglishSettings, show: bool) -> Testbed:
    """Capture whole documents, or open a finished build.

    The first token of a window is left out: it is an attention sink, of many times the norm of
    others.

    Errors: StoreError where the folder holds the finished build of other weights.
    """
    model = english_model()
    store = finished_build(folder, model)
    if store is None:
        store = capture(
            model,
            documents(settings.characters),
            settings.site,
            folder,
            window=settings.window,
            overlap=settings.overlap,
            dtype="float16",
            exclusion=StepExclusion(first=1),
            progress=show,
        )
    return Testbed("english", store, LADDER, model=model)
