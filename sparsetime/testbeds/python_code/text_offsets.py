"""Character offsets of lines and columns in a text."""

from __future__ import annotations

import ast
from typing import Any, cast, final


@final
class TextOffsets:
    """Characters of a text by line (from 1) and column."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._length = len(text)

    def at(self, line: int, column: int) -> int:
        """The place of a column that counts characters, as `tokenize` does."""
        return min(self._starts[line - 1] + column, self._length)

    def at_byte(self, line: int, column: int) -> int:
        """The place of a column that counts bytes of UTF-8, as `ast` does."""
        text = self._lines[line - 1]
        if not text.isascii():
            column = len(text.encode()[:column].decode())
        return self.at(line, column)

    def of(self, node: ast.AST) -> tuple[int, int]:
        """Where a node that has a place starts and ends."""
        placed = cast(Any, node)
        return (
            self.at_byte(placed.lineno, placed.col_offset),
            self.at_byte(placed.end_lineno, placed.end_col_offset),
        )
