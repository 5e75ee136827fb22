"""Dictionaries of other libraries, compared with what those libraries themselves compute.

    python benchmarks/interop_parity.py [--keep] [--library sae_lens]

For every library and architecture: the library saves a dictionary of random weights with atoms of
any length, sparsetime opens it; sparsetime writes it again in the same format, with equal bits, and
the library opens that; and dictionaries of sparsetime are written and opened there. Formats that
are only read have the first part alone. Compared are supports, the largest difference of activation
values relative to the largest value, and FVU, on 512 rows. Every library runs in its own
environment, with the versions that benchmarks/peers pins.

The last line is JSON; --keep writes it to benchmarks/results/, beside what is kept there of
libraries that were not named or cannot be installed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import torch
from harness.environments import PEERS, NotInstalled, python_of
from harness.figures import RESULTS, conclude, machine, table
from harness.selection import add_selection_dtype
from safetensors.torch import load_file, save_file
from torch import Tensor

import sparsetime as st
from sparsetime.dictionaries.row_statistics import row_statistics
from sparsetime.errors import SparsetimeError

# By the name of the environment: the formats that are written, and their files of weights.
LIBRARIES: dict[str, dict[str, str]] = {
    "sae_lens": {"saelens": "sae_weights.safetensors"},
    "dictionary_learning": {"dictionary_learning": "ae.pt"},
    "sparsify": {"sparsify": "sae.safetensors"},
    "circuit_tracer": {"circuit_tracer": "layer_*.safetensors", "circuit_tracer_clt": "W_*"},
    "llamascopium": {},
}
CROSS_LAYER = "circuit_tracer_clt"
OURS: dict[str, dict[str, Any]] = {
    "topk": {"k": 6},
    "batch_topk": {"k": 6},
    "matryoshka_batch_topk": {"k": 6},
    "relu_l1": {},
    "jumprelu": {"l0": 6.0},
    "gated": {},
    "transcoder": {"k": 6},
    "skip_transcoder": {"k": 6},
    "cross_layer_transcoder": {"k": 18},
}


def main() -> None:
    options = arguments()
    cells: list[dict[str, Any]] = []
    done = []
    for library in options.library or list(LIBRARIES):
        try:
            python = python_of(library)
        except NotInstalled as error:
            print(f"{library}: {error}", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as made:
            cells += compared(library, python, Path(made))
        done.append(library)
    if options.keep:
        cells = others(done) + cells
    shown = table([*HEAD], [row_of(cell) for cell in cells])
    conclude("interop_parity", {"machine": machine(), "cells": cells}, shown, options.keep)


def others(libraries: list[str]) -> list[dict[str, Any]]:
    """The cells of benchmarks/results/ of libraries that this call does not compare."""
    path = RESULTS / "interop_parity.json"
    cells = json.loads(path.read_text())["cells"] if path.exists() else []
    return [cell for cell in cells if cell["library"] not in libraries]


HEAD = ("library", "dictionary", "direction", "support", "values", "FVU there", "FVU here", "bits")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    parser.add_argument("--library", action="append", choices=LIBRARIES, help="repeatable")
    add_selection_dtype(parser)
    return parser.parse_args()


def compared(library: str, python: Path, folder: Path) -> list[dict[str, Any]]:
    """All cells of one library."""
    worker = PEERS / f"interop_{library}.py"
    _run([str(python), str(worker), "write", str(folder)])
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    cells, written = [], []
    for name in names:
        expected = load_file(folder / name / "expected.st")
        cell = {"library": library, "dictionary": name, "direction": "read"}
        try:
            sae = st.load(folder / name)
        except SparsetimeError as error:
            cells.append({**cell, "refused": str(error).removeprefix(str(folder))})
            continue
        cells.append({**cell, **difference(sae, expected, folder / name)})
        if (format_name := sae.name) not in LIBRARIES[library]:  # only read
            continue
        weights = LIBRARIES[library][format_name]
        back = folder / f"{name}_back"
        st.convert(sae, back, format_name)
        equal = equal_bits(folder / name, back, weights)
        again = folder / f"{name}_again"
        st.convert(st.load(back), again, format_name)
        twice = equal_bits(back, again, weights)
        cells[-1]["bits"] = "equal" if equal else f"folded, then {'equal' if twice else 'other'}"
        save_file(expected, back / "expected.st")
        written.append((back.name, "written again"))
    for recipe, format_name in product(OURS, LIBRARIES[library]):
        is_cross_layer = recipe == "cross_layer_transcoder"
        if is_cross_layer is not (format_name == CROSS_LAYER):
            continue
        x = load_file(folder / names[-1] / "expected.st")["x"]
        if is_cross_layer:
            x = torch.cat([x, x.flip(0) * 0.7, x.roll(3, 0) * 1.3], 1)
        sae = trained(recipe, OURS[recipe] | ({"sites": 3} if is_cross_layer else {}), x)
        sae.provenance["hook"] = "blocks.3.mlp.hook_in"  # circuit-tracer's files name their layer
        path = folder / f"ours_{recipe}"
        try:
            st.convert(sae, path, format_name)
        except SparsetimeError as error:
            cell = {"library": library, "dictionary": recipe, "direction": "written"}
            cells.append({**cell, "refused": str(error)})
            continue
        # Values of a cross-layer transcoder keep their units, for its sites have a scale each.
        scale = 1.0 if is_cross_layer else sae.output_normalisation.scale
        code = sae.encode(x).dense() * scale
        known = {"x": x, "code": code, "output": sae(x).contiguous(), "target": target_of(sae, x)}
        save_file(known, path / "expected.st")
        written.append((path.name, "written"))
    (folder / "to_read.json").write_text(json.dumps([name for name, _ in written]))
    _run([str(python), str(worker), "read", str(folder)])
    for name, direction in written:
        plain = name.removeprefix("ours_").removesuffix("_back")
        cell = {"library": library, "dictionary": plain, "direction": direction}
        refused = folder / name / "refused.txt"
        if refused.exists():
            cells.append({**cell, "refused": refused.read_text()})
            continue
        expected = load_file(folder / name / "expected.st")
        there = load_file(folder / name / "peer.st")
        cells.append({**cell, **of_codes(expected, there["code"], there["output"])})
    return cells


def trained(recipe: str, settings: dict[str, Any], x: Tensor) -> Any:
    """A dictionary of ours after some steps on the rows."""
    sae = st.dictionary(recipe, d_in=x.shape[1], width=96, **settings)
    batch = st.Batch(x=x, target=target_of(sae, x) if sae.out_dims else None)
    st.dictionaries.init_from_data(sae, batch)
    adam = torch.optim.Adam(sae.parameters(), lr=3e-3)
    for _ in range(100):
        step = sae.forward_train(batch)
        adam.zero_grad()
        sae.objective.total(sae.objective.losses(step)).backward()
        adam.step()
        sae.observe(step)
    return sae.eval()


def target_of(sae: Any, x: Tensor) -> Tensor:
    """What a dictionary reconstructs of the rows: a transcoder their positive part."""
    return x.relu() if sae.out_dims else x.clone()


def difference(sae: Any, expected: dict[str, Tensor], folder: Path) -> dict[str, Any]:
    """What sparsetime computes on the rows, against what the library computed."""
    x = expected["x"]
    with torch.no_grad():
        code, output = sae.encode(x).dense(), sae(x)
        if sae.encoder.kind == "row_normalised":  # values there are those of the normalised row
            code = code / row_statistics(x, sae.encoder.norm)[1]
        if "values" in sae.provenance:  # Llamascopium divides by the atoms' lengths again
            code = code / load_file(folder / "sae_weights.safetensors")["W_D"].norm(dim=1)
        return of_codes(expected, code, output)


def of_codes(expected: dict[str, Tensor], code: Tensor, output: Tensor) -> dict[str, Any]:
    known, x = expected["code"], expected["x"]
    target = expected.get("target", x if output.shape[1] == x.shape[1] else expected["output"])
    variance = (target - target.mean(0)).square().sum()
    largest = known.abs().max().clamp_min(1e-30)
    return {
        "rows": len(x),
        "support": int(((code != 0) != (known != 0)).sum()),
        "entries": int((known != 0).sum()),
        "values": float((code - known).abs().max() / largest),
        "outputs": float(
            (output - expected["output"]).abs().max() / expected["output"].abs().max()
        ),
        "fvu_there": float((target - expected["output"]).square().sum() / variance),
        "fvu_here": float((target - output).square().sum() / variance),
    }


def equal_bits(one: Path, other: Path, weights: str) -> bool:
    """Whether the files of weights in two folders hold the same tensors, bit for bit, by name."""
    a, b = ({t: v for p in f.glob(weights) for t, v in _tensors(p).items()} for f in (one, other))
    return bool(a) and a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def _tensors(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".pt":
        loaded: dict[str, Tensor] = torch.load(path, weights_only=True)
        return loaded
    return load_file(path)


def row_of(cell: dict[str, Any]) -> list[str]:
    first = [cell["library"], cell["dictionary"], cell["direction"]]
    if "refused" in cell:
        return [*first, f"refused: {cell['refused'][:120]}", "", "", "", ""]
    return [
        *first,
        f"{cell['support']} of {cell['entries']} differ",
        f"{cell['values']:.1e}",
        f"{cell['fvu_there']:.4f}",
        f"{cell['fvu_here']:.4f}",
        cell.get("bits", ""),
    ]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=PEERS)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{done.stderr[-3000:]}")


if __name__ == "__main__":
    main()
