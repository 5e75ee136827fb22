"""The summary of the golden numbers that the package carries, by which records of claims are aged.

`python tests/golden/ship.py` writes it, after numbers were recorded again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from golden import record

from sparsetime.claims.verdicts.golden import GOLDEN, summarise

TOOLS = record.FOLDER / "claim_tools.json"


def summary() -> dict[str, dict[str, float]]:
    """By name, the numbers of both golden files that records of claims are compared with."""
    entries = {}
    for file in (record.RECIPES, TOOLS):
        entries |= json.loads(file.read_text())["golden"]
    return {name: summarise(entry) for name, entry in sorted(entries.items())}


def main() -> None:
    lines = [f" {json.dumps(name)}: {json.dumps(entry)}" for name, entry in summary().items()]
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
