"""Strict parsing of answers: anything else than what was asked for is no answer, None."""

from __future__ import annotations

import json
import re

_LONGEST = 300
_LIST = re.compile(r"\[[\d,\s]*\]")
_EXPLANATION = re.compile(r"^\s*explanation:\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)


def parsed_explanation(answer: str) -> str | None:
    """The text behind "Explanation:" of the first such line; None without one, or a long one."""
    found = _EXPLANATION.search(answer)
    text = found.group(1).strip() if found else ""
    return text if 0 < len(text) <= _LONGEST else None


def parsed_numbers(answer: str, count: int, largest: int) -> list[int] | None:
    """The only list of whole numbers in the answer, of that length, each from 0 to `largest`."""
    lists = _LIST.findall(answer)
    if len(lists) != 1:
        return None
    try:
        numbers = json.loads(lists[0])
    except ValueError:
        return None
    fits = len(numbers) == count and all(0 <= number <= largest for number in numbers)
    return numbers if fits else None


def parsed_choice(answer: str, count: int) -> int | None:
    """A number from 1 to `count` that stands alone; None for anything else."""
    found = re.fullmatch(r"\s*(\d+)\s*\.?\s*", answer)
    number = int(found.group(1)) if found else 0
    return number if 1 <= number <= count else None
