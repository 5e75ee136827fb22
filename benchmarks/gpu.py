"""Training steps and encodings on a GPU: sparsetime against SAELens and sparsify, cell by cell.

    python benchmarks/gpu.py [--budget 300] [--packages FOLDER] [--out benchmarks/results/gpu.json]

Each cell is one recipe at one size, most important first (`harness/gpu_cells.py`). Every library
runs in a process of its own, on the same batches, which stay on the GPU. In each round every
entrant takes some steps in a row, in an order drawn again, and waits for the GPU at their end.
A ratio is taken within a round. The script stops at the budget and writes what it has after every
cell, as JSON and as a table; run again, it leaves out the cells that the file already has for this
card and this code.

--packages: a folder with one folder of installed packages for each library, where no environment
can be made because there is no network. --device cpu --tiny runs every path on small sizes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from harness.data import synthetic
from harness.environments import NotInstalled
from harness.figures import quartiles, spread, table
from harness.gpu_cells import CELLS, OURS, PRODUCT, TINY_CELLS, Cell
from harness.workers import Worker, WorkerError

from sparsetime import seeds

HERE = Path(__file__).parent
STEPS = 5  # in a row, after two that are not timed
ROUNDS = 9  # at most; at least 2


class Race:
    """The processes of all libraries, and what they take in one cell after another."""

    def __init__(self, libraries: list[str], packages: Path | None, device: str) -> None:
        self.device = device
        self.workers: dict[str, Worker] = {}
        self.left_out: dict[str, str] = {}
        self.versions: dict[str, Any] = {}
        for library in libraries:
            try:
                self.workers[library] = Worker(library, 8, packages and packages / library)
                self.workers[library].send("about")
            except NotInstalled as error:
                self.left_out[library] = str(error)
        for library in list(self.workers):
            try:
                self.versions[library] = self.workers[library].answer()
            except WorkerError as error:
                self.left_out[library] = str(error)
                self.workers.pop(library)

    def run(self, cell: Cell, data: str, until: float) -> dict[str, Any]:
        """Figures of a cell; `until`: on the monotonic clock, when no further round begins."""
        entrants = {
            label: (self.workers[library], {**task, "data": data})
            for label, (library, task) in cell.entrants(self.device).items()
            if library in self.workers
        }
        groups = [[label] for label in entrants] if cell.alone else [list(entrants)]
        samples: dict[str, dict[str, list[float]]] = {}
        errors: dict[str, str] = {}
        for number, labels in enumerate(groups):
            share = until if number == len(groups) - 1 else None
            left = until - time.monotonic()
            share = share or time.monotonic() + left / (len(groups) - number)
            made = self._make({label: entrants[label] for label in labels}, errors)
            samples |= self._rounds(made, share, errors)
            for worker in {id(w): w for w in made.values()}.values():
                worker.ask("drop")
        return figures(samples, cell) | ({"failed": errors} if errors else {})

    def _make(
        self, entrants: dict[str, tuple[Worker, dict[str, Any]]], errors: dict[str, str]
    ) -> dict[str, Worker]:
        """The entrants that could be made; a process makes its own one after another."""
        for label, (worker, task) in entrants.items():
            worker.send("make", name=label, task=task)
        made = {}
        for label, (worker, _) in entrants.items():
            try:
                worker.answer()
                made[label] = worker
            except WorkerError as error:
                errors[label] = str(error)
        return made

    def _rounds(
        self, made: dict[str, Worker], until: float, errors: dict[str, str]
    ) -> dict[str, dict[str, list[float]]]:
        samples: dict[str, dict[str, list[float]]] = {label: {} for label in made}
        running = list(made)
        order = seeds.numpy_generator(0, "order of measurements", *made)
        for number in range(ROUNDS + 1):  # the first warms up
            if number > 2 and time.monotonic() > until:
                break
            for label in order.permutation(running).tolist():
                try:
                    made[label].ask("steps_in_a_row", name=label, n=2)
                    step = made[label].ask("steps_in_a_row", name=label, n=STEPS)
                    code = made[label].ask("encodings_in_a_row", name=label, n=2)
                except WorkerError as error:
                    errors[label] = str(error)
                    running.remove(label)
                    continue
                if number:
                    for what, value in (
                        ("step", step["seconds"][0]),
                        ("encode", code["seconds"][0]),
                        ("beyond_bytes", step["beyond_bytes"]),
                        ("weights_bytes", step["weights_bytes"]),
                    ):
                        samples[label].setdefault(what, []).append(value)
        return samples


def figures(samples: dict[str, dict[str, list[float]]], cell: Cell) -> dict[str, Any]:
    """Quartiles of seconds, and of ratios to sparsetime and to the product, round by round."""
    found: dict[str, Any] = {}
    for label, own in samples.items():
        if not own:
            continue
        found[label] = {
            "rounds": len(own["step"]),
            "beyond_bytes": max(own["beyond_bytes"]),
            "weights_bytes": own["weights_bytes"][0],
            "rows_per_s": round(cell.batch / quartiles(own["step"])["median"]),
        }
        for what in ("step", "encode"):
            found[label][what] = quartiles(own[what])
            for other, key in ((OURS, "times_sparsetime"), (PRODUCT, "times_product")):
                base = samples.get(other, {}).get("step" if other == PRODUCT else what)
                if label not in (other, PRODUCT) and base:
                    # Alone, the entrants share no rounds: then ratios of the medians.
                    pairs = list(zip(own[what], base, strict=False))
                    if cell.alone:
                        pairs = [(quartiles(own[what])["median"], quartiles(base)["median"])]
                    found[label][f"{what}_{key}"] = quartiles([a / b for a, b in pairs])
    return found


def code_version() -> str:
    """The first digits of a hash of the package's Python files."""
    digest = hashlib.sha256()
    for file in sorted((HERE.parent / "sparsetime").rglob("*.py")):
        digest.update(file.relative_to(HERE.parent).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def card(device: str) -> str:
    if device == "cpu":
        return "cpu"
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True).stdout.strip() or "unknown"


def markdown(result: dict[str, Any]) -> str:
    rows = []
    for name, cell in result["cells"].items():
        for label, own in cell["figures"].items():
            if label == "failed":
                rows += [[name, who, text.split(";")[0], *[""] * 6] for who, text in own.items()]
                continue
            ratio = own.get("step_times_sparsetime")
            product = own.get("step_times_product")
            code_ratio = own.get("encode_times_sparsetime")
            rows.append(
                [
                    name,
                    label,
                    spread(own["step"], 1e3),
                    spread(ratio) if ratio else "",
                    spread(product) if product else "",
                    spread(own["encode"], 1e3),
                    spread(code_ratio) if code_ratio else "",
                    f"{own['beyond_bytes'] / 2**20:,.0f}",
                    f"{own['rows_per_s']:,}",
                ]
            )
    head = ["cell", "entrant", "step, ms", "times sparsetime", "times one product"]
    head += ["encode, ms", "times sparsetime", "MiB beyond weights and Adam", "rows/s"]
    return table(head, rows)


def main() -> None:
    options = arguments()
    began = time.monotonic()
    out = Path(options.out)
    chip, version = card(options.device), code_version()
    result: dict[str, Any] = json.loads(out.read_text()) if out.exists() else {"cells": {}}
    result |= {"benchmark": "gpu", "steps_in_a_row": STEPS}
    cells = TINY_CELLS if options.tiny else CELLS
    packages = Path(options.packages).resolve() if options.packages else None
    libraries = [OURS, *(name for name in options.peers.split(",") if name)]
    race = Race(libraries, packages, options.device)
    print(f"{chip}, code {version}, without {race.left_out}", file=sys.stderr, flush=True)
    for cell in cells[: options.cells]:
        earlier = result["cells"].get(cell.name)
        if earlier and (earlier["card"], earlier["code"]) == (chip, version):
            continue
        now = time.monotonic()
        if now - began + options.box / 2 > options.budget:
            break
        data = str(synthetic(cell.d, 4 * cell.batch, device=options.device))
        until = min(time.monotonic() + options.box, began + options.budget)
        result["cells"][cell.name] = {
            "card": chip,
            "code": version,
            "date": time.strftime("%Y-%m-%d"),
            "versions": race.versions,
            "left_out": race.left_out,
            "alone": cell.alone,
            "figures": race.run(cell, data, until),
            "took_s": round(time.monotonic() - now, 1),
        }
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(result, indent=1) + "\n")
        out.with_suffix(".md").write_text(markdown(result) + "\n")
        print(f"{cell.name}: {time.monotonic() - now:.1f} s", file=sys.stderr, flush=True)
    for worker in race.workers.values():
        worker.close()
    print(f"\n{markdown(result)}\n")
    print(json.dumps({"benchmark": "gpu", "cells": len(result["cells"])}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--budget", type=float, default=300, help="seconds in all")
    parser.add_argument("--box", type=float, default=8, help="seconds of the rounds of a cell")
    parser.add_argument(
        "--cells", type=int, default=len(CELLS), help="number of cells, from the first"
    )
    parser.add_argument("--peers", default="sae_lens,sparsify", help='"" measures sparsetime alone')
    parser.add_argument("--packages", help="a folder of packages for each library")
    parser.add_argument("--out", default=str(HERE / "results" / "gpu.json"))
    parser.add_argument("--tiny", action="store_true", help="small sizes, for a trial on a CPU")
    return parser.parse_args()


if __name__ == "__main__":
    main()
