"""Tasks of the English model: six, each with one draw of a prompt."""

from __future__ import annotations

from sparsetime.testbeds.tasks import english_words as words
from sparsetime.testbeds.tasks.prompt import TaskPrompt, prompt
from sparsetime.testbeds.tasks.task import Task, Words

_GIVING = (
    "When {first} and {second} went to the {place}, {giver} gave a {object} to",
    "After {first} and {second} arrived at the {place}, {giver} handed a {object} to",
    "While {first} and {second} were at the {place}, {giver} offered a {object} to",
)
_NEAR = ("The {subject} near the {thing}", "The {subject} behind the {thing}")
_SINGULAR, _PLURAL = (" is", " was", " has"), (" are", " were", " have")


def indirect_object(draw: Words) -> TaskPrompt:
    """The giver's name stands twice; the answer is the other name."""
    first, second = draw.some(words.NAMES, 2)
    giver, other = draw.any(((first, second), (second, first)))
    fields = {"first": first, "second": second, "giver": giver}
    fields |= {"place": draw.one(words.PLACES), "object": draw.one(words.OBJECTS)}
    return prompt(draw.any(_GIVING), fields, {"giver": other}, (f" {other}",), (f" {giver}",))


def greater_than(draw: Words) -> TaskPrompt:
    """An event ends after it began: the next digit is greater than the tens of the first year."""
    tens = int(draw.rng.integers(3, 8))
    century = str(draw.one(range(10, 20)))
    fields = {"event": draw.one(words.EVENTS), "century": century, "tens": str(tens)}
    fields |= {"ones": str(draw.any(range(1, 9))), "century_again": century}
    return prompt(
        "The {event} lasted from the year {century}{tens}{ones} to the year {century_again}",
        fields,
        {"tens": "0"},
        tuple(str(digit) for digit in range(tens + 1, 10)),
        tuple(str(digit) for digit in range(1, tens)),
    )


def docstring(draw: Words) -> TaskPrompt:
    """The third argument of a function is the third that its docstring describes."""
    one, two, three, other, *rest = draw.some(words.ARGUMENTS, 10)
    keys = ("one", "two", "three", "name", "says", "more", "about_one", "about_two", "about")
    fields = dict(zip(keys, (one, two, three, *rest), strict=True))
    return prompt(
        "def {name}(self, {one}, {two}, {three}):\n"
        '    """{says} {more}\n\n'
        "    :param "
        + one
        + ": {about_one} {about}\n    :param "
        + two
        + ": {about_two}\n    :param",
        fields,
        {"three": other},
        (f" {three}",),
        (f" {other}",),
    )


def agreement(draw: Words) -> TaskPrompt:
    """The verb agrees with the subject, past a noun of the other number."""
    subject, thing = draw.one(words.PEOPLE), draw.one(words.THINGS)
    forms = ((subject, f"{thing}s"), (f"{subject}s", thing))
    is_plural = draw.any((False, True))
    own, other = forms[is_plural], forms[not is_plural]
    verbs = (_PLURAL, _SINGULAR) if is_plural else (_SINGULAR, _PLURAL)
    return prompt(
        draw.any(_NEAR), {"subject": own[0], "thing": own[1]}, {"subject": other[0]}, *verbs
    )


def induction(draw: Words) -> TaskPrompt:
    """A list of random words begins again: the next word is the one that came after it before."""
    listed = draw.some(words.WORDS, 9)
    other = listed.pop()
    at = int(draw.rng.integers(2, 6))
    roles = {at: "before", at + 1: "copied"}
    names = [roles.get(number, f"word_{number}") for number in range(len(listed))]
    again = [f"again_{number}" for number in range(at)] + ["repeated"]
    fields = dict(zip(names, listed, strict=True)) | dict(zip(again, listed, strict=False))
    return prompt(
        " ".join(f"{{{name}}}" for name in (*names, *again)),
        fields,
        {"copied": other},
        (f" {listed[at + 1]}",),
        (f" {other}",),
    )


def coloured_objects(draw: Words) -> TaskPrompt:
    """Of three coloured objects, the answer is the colour of the one that is asked about."""
    things, colours = draw.some(words.COLOURED, 3), draw.some(words.COLOURS, 3)
    asked, other = (int(number) for number in draw.rng.permutation(3)[:2])
    fields = {f"object_{i}": thing for i, thing in enumerate(things)}
    fields |= {f"colour_{i}": colour for i, colour in enumerate(colours)}
    return prompt(
        "Q: On the table, there are a {colour_0} {object_0}, a {colour_1} {object_1}, and a "
        "{colour_2} {object_2}. What colour is the {asked}?\nA: The {repeated} is",
        {**fields, "asked": things[asked], "repeated": things[asked]},
        {"asked": things[other], "repeated": things[other]},
        (f" {colours[asked]}",),
        (f" {colours[other]}",),
    )


TASKS = (
    Task(
        "indirect_object",
        "english",
        "the name that is not the giver's; corrupted: the other one gives",
        "Wang et al. 2023, Interpretability in the wild, arXiv:2211.00593",
        indirect_object,
    ),
    Task(
        "greater_than",
        "english",
        "a later year's tens digit; corrupted: the first year's tens digit is 0",
        "Hanna, Liu and Variengien 2023, How does GPT-2 compute greater-than?, arXiv:2305.00586; "
        "digits are single tokens here, so the tens digit is asked for",
        greater_than,
    ),
    Task(
        "docstring",
        "english",
        "the argument to describe next; corrupted: the signature has another third argument",
        "Heimersheim and Janiak 2023, A circuit for Python docstrings in a 4-layer attention-only "
        "transformer",
        docstring,
    ),
    Task(
        "agreement",
        "english",
        "a verb in the number of its subject; corrupted: the subject has the other number",
        "Linzen, Dupoux and Goldberg 2016, Assessing the ability of LSTMs to learn "
        "syntax-sensitive dependencies",
        agreement,
    ),
    Task(
        "induction",
        "english",
        "the word that followed before; corrupted: another word followed",
        "Olsson et al. 2022, In-context learning and induction heads",
        induction,
    ),
    Task(
        "coloured_objects",
        "english",
        "the colour of an object; corrupted: another object is asked about",
        "Merullo, Eickhoff and Pavlick 2024, Circuit component reuse across tasks, "
        "arXiv:2310.08744",
        coloured_objects,
    ),
)
