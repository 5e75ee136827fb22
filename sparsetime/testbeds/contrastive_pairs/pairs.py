"""Contrastive pairs of texts: eight contrasts in four wordings each, about a dozen subjects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Int

#: What the texts are about: singular and plural.
SUBJECTS = (
    ("bridge", "bridges"), ("library", "libraries"), ("garden", "gardens"),
    ("market", "markets"), ("river", "rivers"), ("violin", "violins"), ("museum", "museums"),
    ("train", "trains"), ("painting", "paintings"), ("harbour", "harbours"),
    ("clock", "clocks"), ("castle", "castles"),
)  # fmt: skip

#: For each contrast its wordings: the frames of two texts. {one} is the subject, {many} its plural.
FRAMES = {
    "tense": (
        (
            "The {one} was well liked in the town, and people came to see it.",
            "The {one} is well liked in the town, and people come to see it.",
        ),
        (
            "My uncle painted the {one} and sold the picture to a friend.",
            "My uncle paints the {one} and sells the picture to a friend.",
        ),
        (
            "We walked past the {one}, stopped, and wrote down what we saw.",
            "We walk past the {one}, stop, and write down what we see.",
        ),
        (
            "The {one} stood near the school until the war began.",
            "The {one} stands near the school until the war begins.",
        ),
    ),
    "number": (
        ("One {one} is near the old road.", "Many {many} are near the old road."),
        (
            "She bought a {one} and gave it a name.",
            "She bought several {many} and gave them names.",
        ),
        ("This {one} has its own history.", "These {many} have their own histories."),
        ("A single {one} remains after the storm.", "Dozens of {many} remain after the storm."),
    ),
    "praise": (
        (
            "Our guide praises the {one}. It is wonderful.",
            "Our guide condemns the {one}. It is dreadful.",
        ),
        (
            "The {one} was a delight, and we loved each minute.",
            "The {one} was a disappointment, and we hated each minute.",
        ),
        ("What a splendid {one}, the best of all.", "What a miserable {one}, the worst of all."),
        (
            "Visitors admire the {one} and smile as they leave.",
            "Visitors despise the {one} and frown as they leave.",
        ),
    ),
    "heat": (
        ("On a hot summer day we saw the {one}.", "On a cold winter day we saw the {one}."),
        (
            "The sun burned down on the {one}, and the air was warm.",
            "The snow fell on the {one}, and the air was icy.",
        ),
        (
            "In the heat of August the {one} was dry and dusty.",
            "In the frost of January the {one} was white and frozen.",
        ),
        (
            "Beside the fire the {one} was like an oven.",
            "Beside the glacier the {one} was like a freezer.",
        ),
    ),
    "age": (
        ("The ancient {one} had a long history.", "The modern {one} had no history yet."),
        ("It is an old {one}, worn and faded.", "It is a new {one}, fresh and bright."),
        ("The {one} dates from the Middle Ages.", "The {one} dates from last week."),
        (
            "Centuries ago our ancestors built this {one}.",
            "Recently our children built this {one}.",
        ),
    ),
    "certainty": (
        (
            "The {one} will certainly be there tomorrow.",
            "The {one} will perhaps be there tomorrow.",
        ),
        ("Without any doubt this is the right {one}.", "Possibly this is the right {one}."),
        ("I am sure that the {one} is safe.", "I wonder whether the {one} is safe."),
        (
            "Experts have proved what the {one} is worth.",
            "Experts can only guess what the {one} is worth.",
        ),
    ),
    "negation": (
        ("The {one} does not belong here.", "The {one} does belong here."),
        ("None of us has ever seen the {one}.", "All of us have often seen the {one}."),
        (
            "He lived without a {one} and never missed it.",
            "He lived with a {one} and always used it.",
        ),
        (
            "There is no {one} and nothing like it in our street.",
            "There is a {one} and something like it in our street.",
        ),
    ),
    "time of day": (
        (
            "Early in the morning the {one} came into view.",
            "Late in the evening the {one} came into view.",
        ),
        (
            "The sun rose behind the {one}, and breakfast was ready.",
            "The moon rose behind the {one}, and dinner was ready.",
        ),
        (
            "At dawn, while the birds woke up, we found the {one}.",
            "At midnight, while the owls hunted, we found the {one}.",
        ),
        (
            "Before school the children passed the {one}.",
            "Before bed the children passed the {one}.",
        ),
    ),
}


@final
@dataclass(frozen=True, eq=False)
class ContrastivePairs:
    """Texts and how they are paired.

    texts: two a pair. pairs: [pairs, 2], numbers of texts. subjects, contrasts, wordings: one a
    pair; a wording is a contrast with the number of its frames, such as "tense 2".
    """

    texts: tuple[str, ...]
    pairs: Int[np.ndarray, "pairs 2"]
    subjects: tuple[str, ...]
    contrasts: tuple[str, ...]
    wordings: tuple[str, ...]


def contrastive_pairs() -> ContrastivePairs:
    """384 pairs of texts that differ in one respect: eight contrasts, four wordings, 12 subjects.

    The texts of a pair are two frames with the subject put in. Wordings of a contrast share its
    meaning and few words, so that what orders the texts of one wording by its words alone does not
    order those of another. CE-Bench's own pairs are stories by a language model; these are shorter
    and more regular.
    """
    texts: list[str] = []
    subjects, contrasts, wordings = [], [], []
    for contrast, frames in FRAMES.items():
        for number, pair in enumerate(frames):
            for one, many in SUBJECTS:
                texts += [frame.format(one=one, many=many) for frame in pair]
                subjects.append(one)
                contrasts.append(contrast)
                wordings.append(f"{contrast} {number}")
    numbers = np.arange(len(texts)).reshape(-1, 2)
    return ContrastivePairs(
        tuple(texts), numbers, tuple(subjects), tuple(contrasts), tuple(wordings)
    )
