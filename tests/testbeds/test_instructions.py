"""Format instructions: wordings, requests, and whether a text complies."""

import pytest

from sparsetime.errors import UnknownNameError
from sparsetime.testbeds.instructions.format_instructions import (
    TOPICS,
    format_instruction,
    format_instructions,
    request,
)

COMPLIES = {
    "list": "Bread:\n1. flour\n2. water",
    "code": "```python\nprint(1)\n```",
    "letter": "Dear Ann,\nthe sea is wide.",
    "poem": "The sea is wide and blue,\nand so am I, and so are you",
    "question": "What is bread?",
}


@pytest.mark.parametrize("name", COMPLIES)
def test_a_text_complies_with_its_own_instruction(name):
    texts = [COMPLIES[name], "Bread is made of flour and water. It is baked."]
    assert format_instruction(name).complies(texts).tolist() == [1, 0]


def test_wordings_and_topics_are_different():
    assert len(set(TOPICS)) == len(TOPICS) >= 22
    for one in format_instructions():
        assert len(set(one.wordings)) == len(one.wordings) == 8
    assert request("bread", "Write a list.") == "Tell me about bread. Write a list."
    assert request("bread") == "Tell me about bread."
    with pytest.raises(UnknownNameError, match="song"):
        format_instruction("song")
