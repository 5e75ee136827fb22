"""Group sparsity: latents shared by neighbouring rows, and accuracy of a linear probe."""

from jaxtyping import Float
from torch import Tensor

from sparsetime.activations.store.store import Store
from sparsetime.claims.claim import UNTRAINED, AtLeast, AtMost, Lab, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary

WIDTH, ROWS, PROBED = 512, 40_000, 8_000
#: Weights of penalties: the recipe's own; one with nearly its L0 on tuning documents; one that is
#: almost zero.
GROUP, L1, NONE = 0.05, 0.1, 1e-4


@claim(
    "group_sparse",
    system=36,
    says="Under the group penalty at most a fifth as many latents are active in a row or its "
    "neighbour as without a penalty, and a linear probe is at least as accurate.",
    data="the code model, layer 1 of 4, in place of images under a JEPA; held-out documents, rows "
    "and their neighbours",
    expects=[
        AtMost("latents of a pair, group penalty", than="latents of a pair, no penalty", times=0.2),
        AtLeast("accuracy, group penalty", than="accuracy, no penalty"),
    ],
    seconds=60,
    notes="The probe predicts the kind of a token. Likely reason: the dictionary is of frozen "
    "activations, so that its error is lost to the probe; the paper trains the encoder under the "
    "penalty. L1 alone, at about the same L0, is shown beside them: neighbouring tokens share as "
    "many latents under it.",
    null=UNTRAINED,
    rule="on small data, the group penalty lowers active latent groups while linear-probe "
    "accuracy stays at or above unpenalised JEPA.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """A latent of a pair is active in the row, in its neighbour, or in both."""
    code = lab.code()
    values = {}
    for name, recipe, weight in (
        ("group penalty", "group_sparse", {"group_l1": GROUP}),
        ("L1", "relu_l1", {"l1": L1}),
        ("no penalty", "relu_l1", {"l1": NONE}),
    ):
        sae = dictionary(recipe, d_in=code.d, width=WIDTH, seed=seed, **weight)
        lab.train(sae, code.train_pairs, rows=ROWS, seed=seed)
        active, before = (sae.encode(code.held_out_pairs[:, at]).dense() > 0 for at in (1, 0))
        values[f"latents of a pair, {name}"] = float((active | before).sum(1).float().mean())
        values[f"L0, {name}"] = lab.l0(sae, code.held_out)
        values[f"FVU, {name}"] = lab.fvu(sae, code.held_out)
        values[f"accuracy, {name}"] = _accuracy(
            sae, (code.tuning, code.held_out), (code.tuning_store, code.held_out_store)
        )
    return values


def _accuracy(
    sae: Dictionary, rows: tuple[Float[Tensor, "_ d"], ...], stores: tuple[Store, ...]
) -> float:
    """Accuracy of a linear probe for the kind of token, fitted on the first part."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.preprocessing import StandardScaler

    (x, y), (x_out, y_out) = (
        (sae.encode(x[:PROBED]).dense().numpy(), store.steps(["kind"])["kind"].to_numpy()[:PROBED])
        for x, store in zip(rows, stores, strict=True)
    )
    scale = StandardScaler(with_mean=False).fit(x)
    reader = RidgeClassifier(alpha=100.0).fit(scale.transform(x), y)
    return float(reader.score(scale.transform(x_out), y_out))
