"""watch_recordings: a monitor on recordings that the model has still to read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetime.activations.capture.capture import capture
from sparsetime.errors import MismatchError
from sparsetime.features.encoding import encode_store
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.models.model_hash import is_model

if TYPE_CHECKING:
    from torch import nn

    from sparsetime.activations.store.store import Store
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.monitors.monitor import Monitor

_STEP_TOLERANCE = 1e-6


def watch_recordings(
    monitor: Monitor,
    sae: Dictionary,
    model: str | Path | nn.Module | LoadedModel,
    data: Any,
    store: Store,
    *,
    progress: bool = True,
) -> Iterator[dict[str, Any]]:
    """The lines of a monitor on each recording of `data`, with its id under "recording".

    data: what `st.capture` takes. store: one of the monitor's site, with whose settings (window,
    rate, feature map, steps left out) the recordings are captured into a temporary folder, so that
    thresholds meet rows like those that set them. Each recording is a stream of its own.

    Errors: MismatchError, before the model runs, for another model, another site, and recordings of
    other channels or another sampling rate; those of `st.capture`.
    """
    loaded = load_model(model)
    if not is_model(loaded.model, loaded.revision_or_hash, monitor.model_hash):
        raise MismatchError(
            f"got the model {loaded.name!r}, whose weights are not those that the monitor was set "
            "with; its thresholds hold for those alone; give that model, or set a monitor for this "
            "one"
        )
    with tempfile.TemporaryDirectory() as folder:
        captured = capture(
            *(loaded, data, monitor.site, f"{folder}/store"),
            settings_from=store,
            progress=progress,
        )
        steps = captured.sequences["step"].to_pylist()
        for name, step in zip(captured.sequences["id"].to_pylist(), steps, strict=True):
            if abs(step - monitor.step) > _STEP_TOLERANCE * monitor.step:
                raise MismatchError(
                    f"got the recording {name!r} with steps of {step:g}, expected those of "
                    f"{monitor.step:g} s that set the thresholds; give its rate, or resample it"
                )
        for encoded in encode_store(sae, captured, progress):
            for line in monitor.watch(sae).feed_code(encoded.code):
                yield {"recording": encoded.id, **line}
