"""Architectures on which the linearised pass is exact: every causal one of transformers, tiny.

    python benchmarks/linearised_architectures.py [NAME ...]

Each architecture that transformers lists is built from a tiny configuration with random weights and
is run on 12 tokens. Reported are the guards of the pass, or the reason of the refusal; those that
cannot be built from such a configuration (parts of other modalities, sizes that must agree) are
listed apart. Names add to a table that is there.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import textwrap
import time
import warnings
from pathlib import Path

import sparsetime as st  # isort: skip  before torch

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from causal_architectures import causal_architectures, tiny_causal_model

RESULTS = Path(__file__).parent / "results"
_PATIENCE = 30  # seconds for one architecture


def main() -> None:
    import transformers

    transformers.logging.set_verbosity_error()
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*")
    chosen = parser.parse_args().names
    kept = RESULTS / "linearised_architectures.json"
    rows = json.loads(kept.read_text()) if chosen and kept.exists() else {}
    signal.signal(signal.SIGALRM, _give_up)
    for name in chosen or causal_architectures():
        rows[name] = row(name)
        print(name, rows[name], flush=True)
    RESULTS.mkdir(exist_ok=True)
    kept.write_text(json.dumps(dict(sorted(rows.items())), indent=1) + "\n")
    kept.with_suffix(".md").write_text(table(rows))


def row(name: str) -> dict[str, object]:
    """One architecture: unbuilt, refused or exact."""
    try:
        signal.alarm(_PATIENCE)
        model = tiny_causal_model(name)
    except Exception as error:
        return {"outcome": "unbuilt", "reason": _line(error)}
    finally:
        signal.alarm(0)
    began = time.process_time()
    try:
        signal.alarm(_PATIENCE)
        found = st.interventions.linearised_pass(model, torch.arange(3, 15))
    except Exception as error:
        return {"outcome": "refused", "reason": _line(error)}
    finally:
        signal.alarm(0)
    guards = found.guards
    return {
        "outcome": "exact",
        "output": guards.output,
        "affine": guards.affine,
        "sums": guards.sums,
        "hessian": guards.hessian,
        "seconds": round(time.process_time() - began, 2),
        "cut": len(found.writes),
    }


def table(rows: dict[str, dict[str, object]]) -> str:
    """The rows as a page of Markdown."""
    by_outcome = {
        outcome: {name: row for name, row in sorted(rows.items()) if row["outcome"] == outcome}
        for outcome in ("exact", "refused", "unbuilt")
    }
    exact, refused, unbuilt = (by_outcome[name] for name in ("exact", "refused", "unbuilt"))
    lines = [
        "# Architectures on which the linearised pass is exact",
        "",
        f"Of {len(exact) + len(refused)} causal architectures that transformers builds from a tiny "
        f"configuration, {len(exact)} are exact and {len(refused)} are refused. {len(unbuilt)} "
        "could not be built so.",
        "",
        "output: largest difference of the output; affine: largest second difference of the "
        "logits; sums: error of constant + gradient · writes; each a share of the largest value.",
        "",
        "| architecture | output | affine | sums | Hessian |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {row['output']:.0e} | {row['affine']:.0e} | {row['sums']:.0e} | "
        f"{row['hessian']:.0e} |"
        for name, row in exact.items()
    ]
    for title, some in (("Refused", refused), ("Not built", unbuilt)):
        lines += ["", f"## {title}", "", "| architecture | reason |", "|---|---|"]
        lines += [f"| {name} | {row['reason']} |" for name, row in some.items()]
    return "\n".join(lines) + "\n"


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    short = textwrap.shorten(text, 160, placeholder=" …")
    return f"{type(error).__name__}: {short}".replace("|", "/")


def _give_up(*_: object) -> None:
    raise TimeoutError(f"not done in {_PATIENCE} seconds")


if __name__ == "__main__":
    main()
