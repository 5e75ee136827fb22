"""SAELens trains a dictionary on given rows, saves it, and evaluates dictionaries on held-out ones.

    python interop_train_sae_lens.py train FOLDER       rows.st -> theirs/, theirs/values.json
    python interop_train_sae_lens.py evaluate FOLDER    ours/ -> ours/values.json

Runs in SAELens's environment: nothing is imported here but it, torch and safetensors.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from sae_lens import SAE, BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
from sae_lens.config import SAETrainerConfig
from sae_lens.saes.sae import SAEMetadata
from sae_lens.training.sae_trainer import SAETrainer
from safetensors.torch import load_file

STEPS, BATCH, WIDTH, K = 400, 1024, 768, 16


def train(folder: Path) -> None:
    """Train BatchTopK with SAELens's trainer, and save it as its users do."""
    torch.manual_seed(0)
    about = json.loads((folder / "about.json").read_text())
    rows = load_file(folder / "rows.st")["train"]
    config = BatchTopKTrainingSAEConfig(
        d_in=rows.shape[1],
        d_sae=WIDTH,
        k=K,
        normalize_activations="expected_average_only_in",
        metadata=SAEMetadata(**about),
    )
    settings = SAETrainerConfig(
        total_training_samples=STEPS * BATCH,
        train_batch_size_samples=BATCH,
        lr=1e-3,
        lr_end=1e-4,
        lr_warm_up_steps=0,
        lr_decay_steps=STEPS // 5,
        device="cpu",
        autocast=False,
    )
    generator = torch.Generator().manual_seed(0)

    def batches():
        while True:
            yield rows[torch.randint(len(rows), (BATCH,), generator=generator)]

    sae = BatchTopKTrainingSAE(config)
    trainer = SAETrainer(settings, sae, batches())
    trainer.fit()
    sae.save_inference_model(folder / "theirs")
    evaluate(folder, "theirs")


def evaluate(folder: Path, name: str) -> None:
    """FVU and L0 of a folder on the held-out rows, by SAELens's class."""
    sae = SAE.load_from_disk(folder / name)
    x = load_file(folder / "rows.st")["held_out"]
    with torch.no_grad():
        code, output = sae.encode(x), sae(x)
    fvu = (x - output).square().sum() / (x - x.mean(0)).square().sum()
    values = {"fvu": float(fvu), "l0": float((code != 0).sum(1).float().mean())}
    (folder / name / "values.json").write_text(json.dumps(values))


if __name__ == "__main__":
    command, path = sys.argv[1], Path(sys.argv[2])
    if command == "train":
        train(path)
    else:
        evaluate(path, "ours")
