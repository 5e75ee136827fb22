"""CSAE: the branch of a pair is read from the contrastive latents, not from the common ones."""

import torch
from jaxtyping import Float
from torch import Tensor

import sparsetime as st
from sparsetime import seeds
from sparsetime.claims.claim import UNTRAINED, AtLeast, AtMost, Lab, claim

_PAIRS, _ROWS, _WIDTH, _K = 12_000, 40_000, 256, 10
_D, _SHARED, _OWN, _ACTIVE = 64, 64, 16, 5


@claim(
    "csae",
    system=173,
    says="A linear probe reads which of two branches from one state a row is from the contrastive "
    "latents, and not from the common ones.",
    data="planted pairs in place of chess: a shared sparse state, and features of either branch",
    expects=[
        AtLeast("accuracy of the contrastive latents", than=0.8),
        AtMost("accuracy of the common latents", than=0.6),
    ],
    seconds=60,
    notes="Two branches are equally many, so that chance is 0.5.",
    null=UNTRAINED,
    rule="On pairs of branches from one state, contrastive features predict the branch above "
    "chance while common features do not.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    from sklearn.linear_model import LogisticRegression

    x, partner = _pairs(seed)
    held = len(x) // 4
    sae = st.dictionary("csae", d_in=_D, width=_WIDTH, k=_K, seed=seed)
    lab.train(sae, {"x": x[held:], "earlier": partner[held:]}, rows=_ROWS, seed=seed)
    code = sae.encode(x[:held]).dense()
    branch = (torch.arange(held) % 2).numpy()
    common, half = sae.groups[0], held // 2

    def accuracy(part: Float[Tensor, "rows some"]) -> float:
        reader = LogisticRegression(max_iter=500).fit(part[:half].numpy(), branch[:half])
        return float(reader.score(part[half:].numpy(), branch[half:]))

    return {
        "accuracy of the common latents": accuracy(code[:, :common]),
        "accuracy of the contrastive latents": accuracy(code[:, common:]),
        "FVU": lab.fvu(sae, x[:held]),
    }


def _pairs(seed: int) -> tuple[Float[Tensor, "rows d"], Float[Tensor, "rows d"]]:
    """Rows and their partners: row 2i and row 2i + 1 are the two branches of state i."""
    generator = seeds.torch_generator(seed, "planted atoms")
    atoms = torch.randn(_SHARED + 2 * _OWN, _D, generator=generator)
    atoms /= atoms.norm(dim=1, keepdim=True)
    generator = seeds.torch_generator(seed, "planted codes")
    state = _code(_PAIRS, _SHARED, generator) @ atoms[:_SHARED]
    rows = []
    for branch in (0, 1):
        begin = _SHARED + branch * _OWN
        private = _code(_PAIRS, _OWN, generator) @ atoms[begin : begin + _OWN]
        rows.append(state + private)
    there = torch.stack(rows, 1).flatten(0, 1)
    back = torch.stack(rows[::-1], 1).flatten(0, 1)
    return there, back


def _code(rows: int, features: int, generator: torch.Generator) -> Float[Tensor, "rows features"]:
    """Rows with about `_ACTIVE` of the features, or at least one, valued from 0.5 to 1.5."""
    drawn = torch.rand(rows, features, generator=generator)
    active = drawn <= drawn.sort(dim=1).values[:, max(1, min(_ACTIVE, features // 4) - 1), None]
    return active * (0.5 + torch.rand(rows, features, generator=generator))
