"""SAEBench, lm-eval, PEFT and delphi on what sparsetime writes for them.

    python benchmarks/interop_evaluators.py [--keep]

Each is run by its own code in one environment, with the versions of
benchmarks/peers/evaluators.txt: SAEBench's core evaluation on three dictionaries, lm-eval's steered
model on a steering file, PEFT on an adapter, and delphi's cache of latents on a dictionary in
sparsify's format and on a function. What each gives is compared with what sparsetime computes. The
last line is JSON; --keep writes it to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

from harness.environments import PEERS, NotInstalled, python_of
from harness.figures import conclude, machine, table
from harness.selection import add_selection_dtype

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    add_selection_dtype(parser)
    options = parser.parse_args()
    try:
        python = python_of("evaluators")
    except NotInstalled as error:
        print(json.dumps({"benchmark": "interop_evaluators", "skipped": str(error)}))
        return
    worker = PEERS / "interop_evaluators.py"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [str(python), str(worker), folder],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    answers = json.loads(done.stdout.splitlines()[-1])
    rows = [
        [part, str(name), json.dumps(value)]
        for part, values in answers.items()
        for name, value in values.items()
    ]
    shown = table(["evaluator", "of", "values"], rows)
    conclude("interop_evaluators", {"machine": machine(), **answers}, shown, options.keep)


if __name__ == "__main__":
    main()
