"""Known entities: a feature of names that the model knows, and what it does to an answer."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.claims.lab.sentence_steering import MASSIVE
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.interventions.sequence_spans import FromSteps
from sparsetime.models.hooks import recording
from sparsetime.models.load import LoadedModel
from sparsetime.steering.arms.arm_texts import by_length
from sparsetime.steering.null_features import features_of_equal_density, strength_of_norm
from sparsetime.steering.prompts import tokens_of
from sparsetime.steering.steer import steer

SITE = "model.layers.14"
WIDTH, K, ROWS = 1152, 32, 40_000
DOSE, NULLS, FEATURES = 1.0, 6, 3
QUESTION = " was born in the city of"
#: Famous people; every other one chooses features. Unknown ones have the first name of one and the
#: last name of another of the same half.
NAMES = (
    "Albert Einstein", "Isaac Newton", "Charles Darwin", "Marie Curie", "Galileo Galilei",
    "Nikola Tesla", "Thomas Edison", "Stephen Hawking", "Barack Obama", "Donald Trump",
    "George Washington", "Abraham Lincoln", "Winston Churchill", "Margaret Thatcher",
    "Nelson Mandela", "Mahatma Gandhi", "Napoleon Bonaparte", "Julius Caesar", "Adolf Hitler",
    "Joseph Stalin", "Vladimir Lenin", "Karl Marx", "Friedrich Nietzsche", "Immanuel Kant",
    "Sigmund Freud", "William Shakespeare", "Jane Austen", "Charles Dickens", "Mark Twain",
    "Ernest Hemingway", "Leo Tolstoy", "Oscar Wilde", "Virginia Woolf", "Agatha Christie",
    "Pablo Picasso", "Claude Monet", "Salvador Dali", "Andy Warhol", "Frida Kahlo",
    "Michael Jackson", "Elvis Presley", "Bob Dylan", "John Lennon", "David Bowie",
    "Freddie Mercury", "Michael Jordan", "Muhammad Ali", "Serena Williams", "Roger Federer",
    "Tiger Woods", "Lionel Messi", "Cristiano Ronaldo", "Usain Bolt", "Steve Jobs", "Bill Gates",
    "Elon Musk", "Henry Ford", "Walt Disney", "Alfred Hitchcock", "Steven Spielberg",
    "Marilyn Monroe", "Charlie Chaplin", "Christopher Columbus", "Marco Polo", "Neil Armstrong",
    "Alan Turing", "Ada Lovelace", "Florence Nightingale", "Amelia Earhart", "Rosa Parks",
)  # fmt: skip


@claim(
    "known_entities",
    system=225,
    says="A feature chosen on half of the names separates famous people from names recombined of "
    "theirs on the other half (AUROC at least .65), and adding it at the name changes the model's "
    "confidence in an answer more than random features with equal norm.",
    data="a proxy: 70 famous people, and names recombined of theirs in the place of unknown ones; "
    "SmolLM2-135M-Instruct in 4 bits, layer 14 of 30; refusal is not measured",
    expects=[
        AtLeast("AUROC on held-out names", than=0.65),
        Less("change of confidence, random", than="change of confidence, feature"),
    ],
    seconds=70,
    rule="A feature separates known from unknown entities on held-out names, and steering it "
    "alters answer confidence more than random directions.",
    notes="Names are read at their last token. Confidence is the largest probability of a next "
    "token behind a question about the birthplace; its change is the mean of absolute values.",
    null=lambda lab, seed: _values(lab, seed, permuted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Recombinations are drawn again in each seed; the three best features are averaged."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, permuted: bool = False) -> dict[str, float]:
    """permuted: the null, in which it is permuted which names that choose are known."""
    rows = lab.sentences(SITE)
    model = rows.bed.model
    assert model is not None
    rng = seeds.numpy_generator(seed, "random choice")
    sae = dictionary("topk", d_in=rows.d, width=WIDTH, k=K, seed=seed)
    lab.train(sae, rows.train_store, rows=ROWS, seed=seed, exclude_norm=MASSIVE)
    halves = []
    for half in (NAMES[::2], NAMES[1::2]):
        known = list(half)
        unknown = _recombined(known, rng)
        codes = _at_last_token(model, sae, [*known, *unknown])
        halves.append((codes, np.repeat([True, False], [len(known), len(unknown)]), known, unknown))
    (chosen_on, is_known, _, _), (codes, held_out_known, known, unknown) = halves
    if permuted:
        is_known = rng.permutation(is_known)
    separation = np.array([abs(_auroc(column, is_known) - 0.5) for column in chosen_on.T])
    best = np.argsort(-separation, kind="stable")[:FEATURES]
    aurocs = []
    for feature in best:
        sign = 1 if _auroc(chosen_on[:, feature], is_known) >= 0.5 else -1
        aurocs.append(_auroc(sign * codes[:, feature], held_out_known))
    density = np.asarray(lab.density(sae, rows.tuning))
    drawn = features_of_equal_density(density, tuple(best.tolist()), NULLS, seed)
    texts = [name + QUESTION for name in (*known, *unknown)]
    spans = [len(tokens_of(name, model)[0]) - 1 for name in (*known, *unknown)]
    plain = _confidence(model, sae, texts, spans, None)
    changes = {
        int(feature): float(
            np.abs(_confidence(model, sae, texts, spans, int(feature)) - plain).mean()
        )
        for feature in (*best, *drawn)
    }
    return {
        "AUROC on held-out names": float(np.mean(aurocs)),
        "AUROC of the best feature": float(aurocs[0]),
        "change of confidence, feature": float(np.mean([changes[int(one)] for one in best])),
        "change of confidence, random": float(np.mean([changes[int(one)] for one in drawn])),
        "confidence about known names": float(plain[: len(known)].mean()),
        "confidence about unknown names": float(plain[len(known) :].mean()),
    }


def _recombined(names: list[str], rng: np.random.Generator) -> list[str]:
    """First names with the last names of others."""
    first = [name.split()[0] for name in names]
    last = [name.split()[-1] for name in names]
    while True:
        order = rng.permutation(len(names))
        if not (order == np.arange(len(names))).any():
            return [f"{one} {last[other]}" for one, other in zip(first, order, strict=True)]


def _auroc(values: Float[np.ndarray, " names"], is_known: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(is_known, values))


@torch.no_grad()
def _at_last_token(
    model: LoadedModel, sae: Dictionary, names: list[str]
) -> Float[np.ndarray, "names width"]:
    """The codes of names at their last token."""
    out = np.zeros((len(names), sae.width))
    for places, tokens in by_length([tokens_of(name, model)[0] for name in names]):
        with recording(model.model, SITE) as activations:
            model.model(input_ids=tokens, use_cache=False)
        out[places] = sae.encode(activations[SITE][:, -1]).dense().numpy()
    return out


def _confidence(
    model: LoadedModel, sae: Dictionary, texts: list[str], spans: list[int], feature: int | None
) -> Float[np.ndarray, " texts"]:
    """The largest next-token probability behind each text, with a feature added at one step."""
    norm = DOSE * float(sae.normalisation.scale)
    edits = {} if feature is None else {feature: strength_of_norm(sae, feature, norm)}
    out = np.zeros(len(texts))
    for places, tokens in by_length([tokens_of(text, model)[0] for text in texts]):
        span = FromSteps(np.array([spans[place] for place in places]), 1)
        run = steer(model, {SITE: sae}, {SITE: edits}, span=span, units="activation")
        logits: Tensor = run.read(tokens).logits[:, -1]
        out[places] = logits.float().softmax(-1).amax(-1).numpy()
    return out
