"""How well one latent alone holds a concept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def monosemanticity(
    code: Float[Tensor, "rows width"],
    concept: Bool[Tensor, " rows"],
    held_out: Float[Tensor, "others width"],
    held_out_concept: Bool[Tensor, " others"],
    *,
    removed: int = 1,
    depth: int = 5,
) -> float:
    """Feature monosemanticity score of a concept, from about 0 to 1, the more the better.

    With a_0 the accuracy of the best single latent, a_p that of the best one once the `removed`
    best are gone, and c_i that of a decision tree of depth 1 + i, for i from 1 to `depth`, it is
    a_0 * (local + rest) / 2, where local = 2 * (a_0 - a_p) and rest = 1 - mean(c_i - a_0). Trees
    are fitted on `code` and judged on `held_out`. Accuracies are balanced, so that chance is 0.5
    whatever the share of rows with the concept, which the paper gets by balancing its data.

    Errors: DataError where a part has no row with the concept, or none without it.

    Source: Härle et al. 2025, Measuring and Guiding Monosemanticity, arXiv:2506.19382.
    """
    for name, labels in (("the code's", concept), ("held-out", held_out_concept)):
        if not 0 < int(labels.sum()) < len(labels):
            raise DataError(
                f"{int(labels.sum())} of {len(labels)} {name} rows have the concept; a score needs "
                "rows with it and rows without"
            )
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.tree import DecisionTreeClassifier

    x, x_out = code.numpy().copy(), held_out.numpy()
    y, y_out = concept.numpy(), held_out_concept.numpy()

    def tree(features: NDArray[Any], levels: int) -> tuple[float, int]:
        classifier = DecisionTreeClassifier(
            max_depth=levels,
            class_weight="balanced",
            random_state=seeds.integer(0, "decision tree"),
        )
        classifier.fit(features, y)
        accuracy = balanced_accuracy_score(y_out, classifier.predict(x_out))
        return float(accuracy), int(classifier.tree_.feature[0])

    alone, _ = tree(x, 1)
    together = [tree(x, 1 + i)[0] for i in range(1, depth + 1)]
    without = alone
    for _ in range(removed):
        _, best = tree(x, 1)
        x[:, best] = 0
        without, _ = tree(x, 1)
    rest = 1 - sum(accuracy - alone for accuracy in together) / depth
    return alone * (2 * (alone - without) + rest) / 2
