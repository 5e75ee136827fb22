"""Maze world models: connections of a maze as features, switched on and off."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.interventions.spans import steps
from sparsetime.models.hooks import recording
from sparsetime.models.load import LoadedModel
from sparsetime.steering import edits
from sparsetime.steering.steer import steer
from sparsetime.testbeds.trained.maze_model import END, PROMPT, maze_model, maze_prompts
from sparsetime.testbeds.trained.mazes import CELLS, PAIRS, Mazes, distances, mazes

SITE, STEP = "model.layers.0", PROMPT - 6  # the token before the origin, behind all connections
WIDTH, K, ROWS = 192, 16, 40_000
TRAINED, TESTED, DRAWS = 4_000, 3_000, 2


@claim(
    "maze_world_models",
    system=238,
    says="Single features decode which connections of a maze are open; switching on the feature of "
    "a closed connection changes the path that is written more often than switching off the one "
    "of an open connection on the path.",
    data="a causal transformer of 3 layers trained on mazes of 3 by 3 cells, layer 0, at the token "
    "behind all connections",
    expects=[
        AtLeast("AUROC of connections by single features", than=0.65),
        Less("changed, connection off", than="changed, connection on"),
        Less("changed, random features on", than="changed, connection on"),
        Less("changed, random features off", than="changed, connection off"),
    ],
    seconds=60,
    rule="In a small maze transformer, SAE features decode connections; switching a connection on "
    "changes paths more often than switching off.",
    notes="A proxy: a smaller grid than the paper's. The model gathers connections at the tokens "
    "behind them, of which the first one is read and edited. Feature of a connection: the latent "
    "with the largest difference of mean activation, over its deviation, between mazes where it is "
    "open and where it is closed, on other mazes. On: set to its mean activation where it fires, "
    "in mazes that the connection would shorten the path of; off: set to zero, in mazes with the "
    "connection on the path where it fires. In the null it is exchanged which mazes have which "
    "connections.",
    null=lambda lab, seed: _values(lab, seed, exchanged=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """A TopK dictionary of one step of every maze."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, exchanged: bool = False) -> dict[str, float]:
    """exchanged: the null, in which features are chosen by other mazes' connections."""
    from sklearn.metrics import roc_auc_score

    model, shortest = _model()
    learnt, tested = (mazes(n, 1_000 + seed, d) for d, n in enumerate((TRAINED, TESTED)))
    rows = _rows(learnt)
    sae = dictionary("topk", d_in=rows.shape[1], width=WIDTH, k=K, seed=seed)
    lab.train(sae, rows, rows=ROWS, seed=seed)
    rng = seeds.numpy_generator(seed, "random choice")
    code = sae.encode(rows).dense().detach()
    is_open = learnt.is_open
    if exchanged:
        is_open = is_open[rng.permutation(len(is_open))]
    latents = _latents(code, is_open)
    held_out = sae.encode(_rows(tested)).dense().detach()
    aurocs = [
        roc_auc_score(tested.is_open[:, pair], held_out[:, latent].numpy())
        for pair, latent in enumerate(latents.tolist())
    ]
    strengths = code.sum(0) / (code > 0).sum(0).clamp_min(1)
    shortens, on_path = _shortens(tested), _on_path(tested)
    plain = _written(model, sae, tested, {})
    living = np.flatnonzero((code > 0).float().mean(0).numpy() > 0.01)

    def changed(latents: Int[np.ndarray, " pairs"], on: bool) -> float:
        parts = []
        for pair, latent in enumerate(latents.tolist()):
            chosen = shortens[:, pair]
            edit = {latent: edits.set(float(strengths[latent]))}
            if not on:
                chosen = on_path[:, pair] & (held_out[:, latent] > 0).numpy()
                edit = {latent: edits.set(0.0)}
            if chosen.any():
                written = _written(model, sae, tested, edit, np.flatnonzero(chosen))
                parts.append((written != plain[torch.from_numpy(chosen)]).any(1))
        return float(torch.cat(parts).float().mean())

    drawn = [rng.choice(living, len(latents)) for _ in range(DRAWS)]
    return {
        "AUROC of connections by single features": float(np.mean(aurocs)),
        "least AUROC of a connection": float(np.min(aurocs)),
        "changed, connection on": changed(latents, True),
        "changed, connection off": changed(latents, False),
        "changed, random features on": float(np.mean([changed(one, True) for one in drawn])),
        "changed, random features off": float(np.mean([changed(one, False) for one in drawn])),
        "share of shortest paths of the model": shortest,
    }


def _latents(
    code: Float[Tensor, "mazes width"], is_open: Bool[np.ndarray, "mazes pairs"]
) -> Int[np.ndarray, " pairs"]:
    """The latent of each connection: the largest difference of means, over the deviation."""
    spread = code.std(0).clamp_min(1e-6)
    found = []
    for opened in torch.from_numpy(is_open.T.copy()):
        gap = (code[opened].mean(0) - code[~opened].mean(0)) / spread
        found.append(int(gap.argmax()))
    return np.array(found)


def _shortens(listed: Mazes) -> Bool[np.ndarray, "mazes pairs"]:
    """Whether each closed connection, were it open, would make the shortest path shorter."""
    rows = np.arange(len(listed.origin))
    length = distances(listed.is_open, listed.target)[rows, listed.origin]
    found = np.zeros_like(listed.is_open)
    for pair in range(len(PAIRS)):
        opened = listed.is_open.copy()
        opened[:, pair] = True
        found[:, pair] = distances(opened, listed.target)[rows, listed.origin] < length
    return found


def _on_path(listed: Mazes) -> Bool[np.ndarray, "mazes pairs"]:
    """Whether each connection is on the path of its maze."""
    found = np.zeros_like(listed.is_open)
    for pair, (a, b) in enumerate(PAIRS):
        for first, second in ((a, b), (b, a)):
            steps_of = (listed.path[:, :-1] == first) & (listed.path[:, 1:] == second)
            found[:, pair] |= steps_of.any(1)
    return found


def _written(
    model: LoadedModel,
    sae: Dictionary,
    listed: Mazes,
    edit: dict[int, edits.Edit],
    which: Int[np.ndarray, " some"] | None = None,
) -> Int[Tensor, "some cells"]:
    """What the model writes behind the prompts up to END, with an edit at one step."""
    prompts = maze_prompts(listed)
    if which is not None:
        prompts = prompts[torch.from_numpy(which)]
    run = steer(model, {SITE: sae}, {SITE: edit}, span=steps(STEP, STEP + 1), units="activation")
    written = run.generate(prompts, CELLS).tokens[:, PROMPT:]
    ended = (written == END).cumsum(1) > 0
    return torch.where(ended, torch.tensor(END), written)


def _rows(listed: Mazes) -> Float[Tensor, "mazes d"]:
    """Activations of each maze at the step behind its connections."""
    model, _ = _model()
    with torch.no_grad(), recording(model.model, SITE) as found:
        model.model(input_ids=maze_prompts(listed))
    return found[SITE][:, STEP]


@cache
def _model() -> tuple[LoadedModel, float]:
    model, record = maze_model()
    return model, float(record["measured"]["shortest"])
