"""Feature flow graphs: features linked over layers by cosine alone, and steered along a chain."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.sampling.model_windows import token_windows
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.splits import Splits
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.matching.flow import FeatureFlow, feature_flow
from sparsetime.models.hooks import recording
from sparsetime.steering.steer import steer

SITES = tuple(f"model.layers.{number}" for number in range(1, 4))
WIDTH, K, ROWS, LENGTH = 256, 12, 20_000, 64
CHAINS, WINDOWS, TARGETS = 8, 6, 10
DOSE = 0.6  # of the mean norm of an activation, all layers of a chain together
FEWEST = 60  # steps on which a feature of a chain is active


@claim(
    "feature_flow",
    system=184,
    says="Features of adjacent layers that are linked by the cosine of their atoms co-activate "
    "above exchanged pairs, and adding a chain of them promotes the tokens that follow its "
    "feature more than adding one of them with the same total norm.",
    data="the Python-source model, layers 1 to 3 of 4; 8 chains, windows of held-out documents",
    expects=[
        Less("correlation of exchanged pairs", than="correlation of linked pairs"),
        Less("effect of a chain of exchanged features", than="effect of the chain"),
        Less("effect of one layer, mean of three", than="effect of the chain"),
        Less("effect of one layer, best of three", than="effect of the chain"),
    ],
    seconds=85,
    rule="Cosine-matched features of adjacent layers co-activate above shuffled pairs, and "
    "steering a whole chain beats steering one layer.",
    notes="Effect: mean rise of the log-probability of the ten tokens that are most "
    "over-represented behind steps on which the chain's first feature is active. The norms added "
    "by a chain sum to that of one layer. The best layer is the one with the largest effect in "
    "the mean over chains, on the reported windows, which favours it. Chains that end before the "
    "last layer are left out.",
    null=lambda lab, seed: _values(lab, seed, exchanged=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """A TopK dictionary of each layer, and links of a cosine of at least 0.5."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, exchanged: bool = False) -> dict[str, float]:
    """exchanged: the null, in which links go to other chains' features."""
    codes, tokens = _activations(lab)
    saes: dict[str, Dictionary] = {}
    for site in SITES:
        bed = lab.code(site)
        sae = dictionary("topk", d_in=bed.d, width=WIDTH, k=K, seed=seed)
        saes[site] = lab.train(sae, bed.train, rows=ROWS, seed=seed)
    flow = feature_flow(list(saes.values()), "atoms", draws=1, seed=seed)
    dense = [saes[site].encode(codes[site]).dense().detach().numpy() for site in SITES]
    rng = seeds.numpy_generator(seed, "random choice")
    linked, other = _correlations(flow, dense, rng)
    chains = _chains(flow, dense, rng)
    mixed = np.stack([chains[:, 0], *(np.roll(chains[:, s], s) for s in (1, 2))], axis=1)
    chosen = mixed if exchanged else chains
    windows = tokens[torch.from_numpy(rng.choice(len(tokens), WINDOWS, replace=False))]
    model = lab.code(SITES[0]).bed.model
    assert model is not None
    with torch.no_grad():
        plain = model.model(input_ids=windows).logits.log_softmax(-1)
    norm = DOSE * float(codes[SITES[0]].norm(dim=1).mean())
    effects: dict[str, list[list[float]]] = {"chain": [], "exchanged": [], "single": [], "full": []}
    for chain, swapped in zip(chosen.tolist(), mixed.tolist(), strict=True):
        target = _following(dense[0][:, chain[0]] > 0, tokens)
        parts = [dict(enumerate(chain)), dict(enumerate(swapped))]
        parts += [{s: latent} for s, latent in enumerate(chain)]
        found = [_effect(lab, saes, layers, norm, windows, plain, target) for layers in parts]
        effects["chain"].append(found[:1])
        effects["exchanged"].append(found[1:2])
        effects["single"].append(found[2:])
        whole = _effect(lab, saes, parts[0], 3 * norm, windows, plain, target)
        effects["full"].append([whole])
    single = np.mean(effects["single"], axis=0)
    return {
        "correlation of linked pairs": other if exchanged else linked,
        "correlation of exchanged pairs": other,
        "links": float(sum(len(flow.links(stage)) for stage in range(2))),
        "effect of the chain": float(np.mean(effects["chain"])),
        "effect of a chain of exchanged features": float(np.mean(effects["exchanged"])),
        "effect of the chain, each layer with the whole norm": float(np.mean(effects["full"])),
        "effect of one layer, mean of three": float(single.mean()),
        "effect of one layer, best of three": float(single.max()),
        **{f"effect of layer {s + 1} alone": float(one) for s, one in enumerate(single)},
    }


def _correlations(
    flow: FeatureFlow, dense: list[np.ndarray], rng: np.random.Generator
) -> tuple[float, float]:
    """Mean correlation of the activations of linked pairs, and of the same ones exchanged."""
    own, exchanged = [], []
    for stage in range(2):
        a, b = flow.links(stage).T
        alive = (dense[stage][:, a].std(0) > 0) & (dense[stage + 1][:, b].std(0) > 0)
        left, right = (
            (one - one.mean(0)) / one.std(0)
            for one in (dense[stage][:, a[alive]], dense[stage + 1][:, b[alive]])
        )
        own.append((left * right).mean(0))
        exchanged.append((left * right[:, rng.permutation(right.shape[1])]).mean(0))
    return float(np.concatenate(own).mean()), float(np.concatenate(exchanged).mean())


def _chains(
    flow: FeatureFlow, dense: list[np.ndarray], rng: np.random.Generator
) -> Int[np.ndarray, "chains stages"]:
    """Chains through all layers whose features are active often enough, drawn at random."""
    whole = flow.chains()
    whole = whole[(whole >= 0).all(1)]
    counts = np.stack([(dense[s][:, whole[:, s]] > 0).sum(0) for s in range(3)])
    often = whole[(counts >= FEWEST).all(0)]
    return often[rng.permutation(len(often))[:CHAINS]]


def _following(active: np.ndarray, tokens: Tensor) -> Int[Tensor, " targets"]:
    """The tokens most over-represented behind active steps, among those that come five times."""
    following = tokens[:, 1:].flatten()
    here = torch.from_numpy(active).reshape(tokens.shape)[:, :-1].flatten()
    size = int(tokens.max()) + 1
    behind = torch.bincount(following[here], minlength=size).float()
    share = (behind + 0.5) / (torch.bincount(following, minlength=size) + 5)
    share[behind < 5] = 0
    return share.topk(TARGETS).indices


def _effect(
    lab: Lab,
    saes: dict[str, Dictionary],
    layers: dict[int, int],
    norm: float,
    windows: Tensor,
    plain: Tensor,
    target: Tensor,
) -> float:
    """Mean rise of the log-probability of target tokens where features are added."""
    model = lab.code(SITES[0]).bed.model
    assert model is not None
    edits = {
        SITES[s]: {latent: norm / len(layers) / float(saes[SITES[s]].output_normalisation.scale)}
        for s, latent in layers.items()
    }
    used = {site: saes[site] for site in edits}
    steered = steer(model, used, edits, units="activation").read(windows).logits
    rise = (steered.log_softmax(-1) - plain)[..., target]
    return float(rise.mean())


@cache
def _activations(
    lab: Lab,
) -> tuple[dict[str, Float[Tensor, "rows d"]], Int[Tensor, "windows time"]]:
    """Activations of all sites on windows of held-out documents, and their tokens."""
    bed: Splits = lab.code(SITES[0])
    assert bed.bed.model is not None
    tokens = token_windows(bed.held_out_store, LENGTH)
    parts = []
    for batch in tokens.split(32):
        with torch.no_grad(), recording(bed.bed.model.model, list(SITES)) as found:
            bed.bed.model.model(input_ids=batch)
        parts.append({site: found[site].flatten(0, 1) for site in SITES})
    return {site: torch.cat([part[site] for part in parts]) for site in SITES}, tokens
