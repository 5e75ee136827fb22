"""What a training of the series model keeps on disk, so that one that was cut off goes on."""

from __future__ import annotations

import json

import torch
from safetensors.torch import load, save
from torch import nn

from sparsetime.errors import MismatchError
from sparsetime.files import Folder
from sparsetime.testbeds.resuming import packed, unpacked
from sparsetime.testbeds.series.settings import PatchTransformerTraining

STATE, LOG, SETTINGS = (
    f"training/{n}" for n in ("state.safetensors", "log.jsonl", "settings.json")
)


def save_state(
    folder: Folder, model: nn.Module, optimiser: torch.optim.Optimizer, step: int, seconds: float
) -> None:
    """Write everything that the next step needs, and how long it took to get there."""
    tensors = packed(model.state_dict(), [optimiser])
    counts = {"step": torch.tensor(step), "seconds": torch.tensor(seconds)}
    folder.write_bytes(STATE, save(tensors | counts))


def restore_state(
    folder: Folder,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    settings: PatchTransformerTraining,
) -> tuple[list[float], float]:
    """Put back what was saved last: the losses of the steps before it, and the seconds they took.

    Errors: MismatchError where the folder holds a training with other settings.
    """
    if not folder.exists(STATE):
        folder.remove(LOG)
        folder.write_json(SETTINGS, settings.model_dump())
        return [], 0.0
    theirs, ours = folder.read_json(SETTINGS), settings.model_dump()
    if theirs != ours:
        other = sorted(name for name in ours if theirs.get(name) != ours[name])
        raise MismatchError(
            f"{folder.url} holds a training with other settings ({', '.join(other)}): give another "
            f"folder, or remove its folder 'training' to begin anew"
        )
    tensors = load(folder.read_bytes(STATE))
    model.load_state_dict(unpacked(tensors, [optimiser]))
    lines = folder.read_bytes(LOG).decode().splitlines()[: int(tensors["step"])]
    folder.write_text(LOG, "".join(line + "\n" for line in lines))
    return [json.loads(line)["loss"] for line in lines], float(tensors["seconds"])
