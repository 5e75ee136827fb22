"""Golden numbers of the trainings of the testbeds' models, at tiny settings.

`python tests/golden/record_testbed_models.py` records them again, where a change is meant. Whatever
names the insides of the package stands in `Code` and `Series`; after a move only these change.
"""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from golden import record

FILE = record.FOLDER / "testbed_models.json"
STEPS, CUT = 12, 7  # a state is saved after step 5, so that two steps are done again


class Code:
    """The language model of the code testbed, on twenty made-up modules."""

    def __init__(self):
        from sparsetime.testbeds.python_code import train
        from sparsetime.testbeds.python_code.language_model_trainable import LanguageModelTrainable
        from sparsetime.testbeds.python_code.settings import (
            LanguageModelSettings,
            LanguageModelTraining,
        )
        from sparsetime.testbeds.python_code.stdlib_source import Module

        self.module, self.trainable = train, LanguageModelTrainable
        self.settings = LanguageModelTraining(
            model=LanguageModelSettings(
                vocabulary=300, context=16, d=16, layers=1, heads=2, hidden=16
            ),
            steps=STEPS, save_every=5, checkpoints=3, warmup=3, batch=4,
        )  # fmt: skip
        self.modules = [
            Module(f"m{i}", f"def f{i}(x):\n    return x + {i}\n" * 20, held_out=i % 5 == 0)
            for i in range(20)
        ]

    def train(self, out):
        with patch.object(self.module, "modules", lambda: self.modules):
            return self.module.train(out, self.settings, show=False).state_dict()

    def logged(self, out):
        return lines(out / "metrics.jsonl")


class Series:
    """The transformer of the series testbed, on two sensors that repeat every day and week."""

    def __init__(self):
        from sparsetime.testbeds.series import train
        from sparsetime.testbeds.series.auckland import Counts
        from sparsetime.testbeds.series.patch_trainable import PatchTransformerTrainable
        from sparsetime.testbeds.series.pretrained import STATE
        from sparsetime.testbeds.series.settings import (
            PatchTransformerSettings,
            PatchTransformerTraining,
        )

        self.module, self.trainable = train, PatchTransformerTrainable
        self.log, self.state = f"{train.RUN}/metrics.jsonl", STATE
        self.settings = PatchTransformerTraining(
            model=PatchTransformerSettings(patches=8, d=8, layers=1, heads=2, hidden=8),
            steps=STEPS, batch=4, warmup=2, save_every=5,
        )  # fmt: skip
        hours = np.arange(168 * 70)
        wave = np.sin(hours * 2 * np.pi / 24) + (hours % 168 < 48)
        values = np.stack([wave, -wave], axis=1).astype(np.float32)
        self.data = Counts(values, np.datetime64("2020-01-01T00", "h"), ("a", "b"))

    def train(self, out):
        from safetensors.torch import load_file

        self.module.train(self.data, out, self.settings, show=False)
        return load_file(out / self.state)

    def logged(self, out):
        return lines(out / self.log)


MODELS = {"code": Code, "series": Series}


def golden(name: str, interrupted: bool = False) -> dict:
    """Losses as logged and as floats, and the final weights, also after an interruption.

    Where it was interrupted the floats are those of all steps that were done, some of them twice.
    """
    model = MODELS[name]()
    with tempfile.TemporaryDirectory() as folder:
        out, exact = Path(folder), []
        if interrupted:
            with watched(model.trainable, exact, CUT):
                try:
                    model.train(out)
                except KeyboardInterrupt:
                    pass
                else:
                    raise AssertionError("it was not interrupted")
        with watched(model.trainable, exact):
            weights = model.train(out)
        logged = model.logged(out)
    return {
        "logged": logged,
        "exact": exact,
        "weights": sum(w.double().abs().sum().item() for w in weights.values()),
        "sha256_weights": record.sha256(*(weights[key].float() for key in sorted(weights))),
    }


@contextmanager
def watched(trainable: type, exact: list[float], cut: int | None = None):
    """Keep the loss of every step, and interrupt the training before step `cut`, from 0."""
    original = trainable.step

    def step(self, batch, number):
        if len(exact) == cut:
            raise KeyboardInterrupt
        original(self, batch, number)
        exact.append(self.last_loss)

    with patch.object(trainable, "step", step):
        yield


def lines(path: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in path.read_text().splitlines()]


def main() -> None:
    with record.one_thread():
        found = {name: golden(name) for name in MODELS}
        said = {"version": record.st.__version__, "fingerprint": record.fingerprint()}
    record.write(FILE, {**said, "golden": found})


if __name__ == "__main__":
    main()
