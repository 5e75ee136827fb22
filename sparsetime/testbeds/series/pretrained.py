"""Shipped patch transformer of the series testbed: weights and training record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sparsetime.files import Folder
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.testbeds.series.model import fresh_model
from sparsetime.testbeds.series.settings import PatchTransformerTraining

NAME = "sparsetime-series"
WEIGHTS = Path(__file__).parent / "weights"
STATE, RECORD = "model.safetensors", "record.json"


def series_model(folder: str | Path = WEIGHTS) -> LoadedModel:
    """The trained model in evaluation mode and in float32; its weights are stored as bfloat16.

    It maps standardised counts [batch, patches, hours] (see `counts`) to predictions of them.
    Sites: `transformer.encoder.layers.0` to `.2`; their `norm_sublayer1:input` is the residual
    stream before each.
    """
    settings = PatchTransformerTraining.model_validate(record(folder)["settings"])
    model = fresh_model(settings.model, settings.seed)
    model.load_state_dict(Folder(str(folder)).read_tensors(STATE, 1))
    return replace(load_model(model.eval()), name=NAME)


def record(folder: str | Path = WEIGHTS) -> dict[str, Any]:
    """Training settings, loss curve and held-out error of the model.

    settings; parameters; data; held_out_years; seconds and threads of the training; loss: [step,
    mean over the steps since the last point]; held_out: mean square errors of masked
    patches, by the model as it is shipped and by the mean of the sensor's hour of the week.
    """
    measured: dict[str, Any] = Folder(str(folder)).read_json(RECORD)
    return measured
