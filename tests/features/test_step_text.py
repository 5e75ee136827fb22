"""The text of every step, also where the characters of steps overlap."""

import pytest

from sparsetime.features.step_text import step_texts


@pytest.mark.parametrize(
    ("text", "spans", "expected"),
    [
        ("中文", [(0, 1), (0, 2)], ["", "中文"]),
        ("a 中文", [(0, 1), (2, 3), (2, 4)], ["a", "", "中文"]),
        ("中文", [(0, 1), (0, 1), (0, 2)], ["", "", "中文"]),
        ("中文", [(0, 0), (0, 2)], ["", "中文"]),
        # Several tokens of the bytes of one character, and of two in turn.
        ("é!", [(0, 1), (0, 1), (1, 2)], ["é", "", "!"]),
        ("ab", [(0, 1), (0, 1), (1, 2), (1, 2)], ["a", "", "b", ""]),
        # A step that shares its last character with the next one.
        ("abcd", [(0, 3), (2, 4)], ["abc", "d"]),
        ("one two", [(0, 3), (4, 7)], ["one", "two"]),
    ],
)
def test_every_character_is_shown_once(text, spans, expected):
    pieces = list(step_texts(text, *zip(*spans, strict=True), 0))
    assert [word for word, _ in pieces] == expected
    assert "".join(gap + word for word, gap in pieces) == text
