"""Contrastive pairs of texts: eight contrasts, each for two dozen subjects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Int

#: What the texts are about: singular and plural.
SUBJECTS = (
    ("bridge", "bridges"), ("library", "libraries"), ("engine", "engines"),
    ("garden", "gardens"), ("letter", "letters"), ("teacher", "teachers"),
    ("market", "markets"), ("river", "rivers"), ("violin", "violins"), ("farmer", "farmers"),
    ("museum", "museums"), ("dog", "dogs"), ("train", "trains"), ("painting", "paintings"),
    ("doctor", "doctors"), ("harbour", "harbours"), ("kitchen", "kitchens"),
    ("forest", "forests"), ("clock", "clocks"), ("student", "students"), ("castle", "castles"),
    ("horse", "horses"), ("factory", "factories"), ("island", "islands"),
)  # fmt: skip

#: For each contrast the frames of its two texts. {one} is the subject, {many} its plural.
FRAMES = {
    "tense": (
        "The {one} was well known in the town. People came to see it and talked about it for days.",
        "The {one} is well known in the town. People come to see it and talk about it for days.",
    ),
    "number": (
        "One {one} is near the old road. It has been there since the start of the century.",
        "Many {many} are near the old road. They have been there since the start of the century.",
    ),
    "praise": (
        "Everybody praises the {one}. It is wonderful, and each visitor goes home happy.",
        "Everybody condemns the {one}. It is dreadful, and each visitor goes home angry.",
    ),
    "heat": (
        "On a hot summer day we saw the {one}. The sun burned, and the air around it was warm.",
        "On a cold winter day we saw the {one}. The snow fell, and the air around it was icy.",
    ),
    "age": (
        "The ancient {one} had a long history. It was worn, and its story was centuries old.",
        "The modern {one} had no history yet. It was new, and its story had only just begun.",
    ),
    "question": (
        "Who has seen the {one}? What do people say about it? Why would anybody want it?",
        "The guard has seen the {one}. People say much about it. Anybody would want it.",
    ),
    "negation": (
        "The {one} does not belong here. It is not wanted, and it never changes anything.",
        "The {one} does belong here. It is really wanted, and it always changes something.",
    ),
    "time of day": (
        "Early in the morning the {one} came into view. The sun rose, and breakfast was ready.",
        "Late in the evening the {one} came into view. The moon rose, and dinner was ready.",
    ),
}


@final
@dataclass(frozen=True, eq=False)
class ContrastivePairs:
    """Texts and how they are paired.

    texts: two a pair. pairs: [pairs, 2], numbers of texts. subjects, contrasts: one a pair.
    """

    texts: tuple[str, ...]
    pairs: Int[np.ndarray, "pairs 2"]
    subjects: tuple[str, ...]
    contrasts: tuple[str, ...]


def contrastive_pairs() -> ContrastivePairs:
    """192 pairs of texts that differ in one respect: eight contrasts of 24 subjects.

    The texts of a contrast are one frame with the subject put in, so that pairs of one contrast
    differ in their subject only, and the texts of a pair in the contrast only. CE-Bench's own
    pairs are stories by a language model; these are shorter and more regular.
    """
    texts, subjects, contrasts = [], [], []
    for contrast, frames in FRAMES.items():
        for one, many in SUBJECTS:
            texts += [frame.format(one=one, many=many) for frame in frames]
            subjects.append(one)
            contrasts.append(contrast)
    numbers = np.arange(len(texts)).reshape(-1, 2)
    return ContrastivePairs(tuple(texts), numbers, tuple(subjects), tuple(contrasts))
