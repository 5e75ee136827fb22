"""Fingerprint of what decides a claim's outcome, and the reasons for which a record is outdated."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from sparsetime.claims.claim import Claim
from sparsetime.claims.verdicts.check_hash import check_hash
from sparsetime.claims.verdicts.golden import Numbers, agree, golden_numbers
from sparsetime.registry import recipes

_PACKAGE = "sparsetime."


@final
@dataclass(frozen=True)
class Fingerprint:
    """What decides the outcome of a check.

    check: hash of the claim's own file (`check_hash`). golden: for every recipe and tool that
    it uses, the golden numbers. defaults: for every recipe, the values of its settings, as
    JSON.
    """

    check: str
    golden: Mapping[str, Numbers]
    defaults: Mapping[str, Mapping[str, str]]


def fingerprint(claim: Claim) -> Fingerprint:
    """Fingerprint of a claim as the package stands. Reads files and computes nothing."""
    source = claim.file.read_text(encoding="utf-8")
    golden = golden_numbers()
    used = sorted({*names_used(source, of_null=claim.null is None), *claim.uses})
    defaults = {card.name: _as_json(card.defaults) for card in recipes() if card.name in used}
    return Fingerprint(
        check=check_hash(source, golden),
        golden={name: golden[name] for name in used},
        defaults=defaults,
    )


def names_used(source: str, of_null: bool = True) -> set[str]:
    """Names with golden numbers that a claim's file uses.

    These are recipes whose name is a string of its own, attributes of the argument `lab`
    ("lab.train"), and modules that are imported ("metrics.absorption").
    of_null: also those that only the argument `null` of `@claim` names; the check under the null
    uses them, and the claim's own does not.
    """
    golden = golden_numbers()
    names = set()
    tree = ast.parse(source)
    if not of_null:
        _drop_null(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)):
                names.add(text)
            case ast.Attribute(value=ast.Name(id="lab"), attr=attribute):
                names.add(f"lab.{attribute}")
            case ast.ImportFrom(module=str(module)):
                names.add(module.removeprefix(_PACKAGE))
    return {name for name in names if name in golden}


def _drop_null(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "claim":
            node.keywords = [word for word in node.keywords if word.arg != "null"]


def outdated(stored: Fingerprint | None, current: Fingerprint) -> list[str]:
    """Reasons for which a record with the stored fingerprint does not stand; none where it does.

    A recipe that was renamed has its numbers under another name, so that numbers that any name in
    use has today are equal. A setting that came later changes nothing by itself: with a default
    that does, the golden numbers differ.
    """
    if stored is None:
        return ["it has no fingerprint"]
    reasons = [] if stored.check == current.check else ["the claim's file computes something else"]
    for name, numbers in stored.golden.items():
        if not any(agree(numbers, other) for other in _candidates(name, current.golden)):
            reasons.append(f"golden numbers of {name} differ")
    for name, settings in stored.defaults.items():
        if not any(_includes(other, settings) for other in _candidates(name, current.defaults)):
            reasons.append(f"defaults of {name} differ")
    return reasons


def _candidates(name: str, current: Mapping[str, Any]) -> list[Any]:
    return [current[name]] if name in current else list(current.values())


def _includes(current: Mapping[str, str], stored: Mapping[str, str]) -> bool:
    """Whether all stored values are there, under any names."""
    return not Counter(stored.values()) - Counter(current.values())


def _as_json(settings: Mapping[str, Any]) -> dict[str, str]:
    return {name: json.dumps(value, default=str) for name, value in settings.items()}
