"""Window crosscoder: profiles of its atoms over steps, and AUROC for the order of steps."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import UNTRAINED, AtLeast, Lab, Less, claim
from sparsetime.dictionaries.decoders.windowed import WindowedDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary

D, PAIRS, WINDOW, WIDTH, K, ROWS = 32, 8, 3, 128, 3, 100_000
SEQUENCES, TIME, CHANCE, NOISE = 200, 200, 0.01, 0.02


@claim(
    "window_crosscoder",
    says="Where patterns of three steps differ only in the order of the first two, atoms of the "
    "crosscoder have the planted profiles, and at the third step a single latent detects the "
    "order, unlike the latents of a TopK dictionary of single steps.",
    data="planted patterns over time, held-out sequences",
    expects=[
        AtLeast("profiles found, cosine", than=0.9),
        Less("AUROC of order, TopK", than="AUROC of order, crosscoder"),
        AtLeast("AUROC of order, crosscoder", than=0.9),
    ],
    seconds=60,
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """AUROC of order: of the best latent where a pattern ends, mean over pairs."""
    patterns = planted_patterns(seed)
    x, begun = over_time(patterns, seed)
    held_out, ends = over_time(patterns, seed + lab.tuning_seed)
    sae = dictionary("window_crosscoder", d_in=D, width=WIDTH, k=K, window=WINDOW, seed=seed)
    lab.train(sae, x, rows=ROWS, seed=seed, window=50)
    single = dictionary("topk", d_in=D, width=WIDTH, k=K, seed=seed)
    lab.train(single, x, rows=ROWS, seed=seed)
    return {
        "profiles found, cosine": profiles_found(sae, patterns),
        "AUROC of order, crosscoder": order_auroc(sae, (x, begun), (held_out, ends)),
        "AUROC of order, TopK": order_auroc(single, (x, begun), (held_out, ends)),
        "L0 of crosscoder": sae.encode(held_out).counts.float().mean().item(),
        "L0 of TopK": single.encode(held_out).counts.float().mean().item(),
    }


def planted_patterns(seed: int) -> Float[Tensor, "features window d"]:
    """Random directions for each of three steps; in the second half the first two are swapped."""
    generator = seeds.torch_generator(seed, "planted atoms")
    drawn = torch.randn(PAIRS, WINDOW, D, generator=generator)
    drawn /= drawn.norm(dim=2, keepdim=True)
    return torch.cat([drawn, drawn[:, [1, 0, 2]]])


def over_time(
    patterns: Float[Tensor, "features window d"], seed: int
) -> tuple[Float[Tensor, "sequences time d"], Bool[Tensor, "sequences time features"]]:
    """Sequences in which patterns begin at random steps, and masks of where they end."""
    generator = seeds.torch_generator(seed, "planted codes")
    chance = torch.rand(SEQUENCES, TIME, len(patterns), generator=generator)
    begins = (chance < CHANCE / 2).float()
    x = NOISE * torch.randn(SEQUENCES, TIME, D, generator=generator)
    for step in range(WINDOW):
        x[:, step:] += begins[:, : TIME - step] @ patterns[:, step]
    ends = torch.zeros_like(begins, dtype=torch.bool)
    ends[:, WINDOW - 1 :] = begins[:, : TIME - WINDOW + 1] > 0
    return x, ends


def profiles_found(sae: Dictionary, patterns: Float[Tensor, "features window d"]) -> float:
    """Mean over patterns of the cosine with the nearest atom's profile."""
    assert isinstance(sae.decoder, WindowedDecoder), "the crosscoder's"
    unit = torch.nn.functional.normalize
    learnt = unit(sae.decoder.profile.detach().flatten(1), dim=1)
    return float((unit(patterns.flatten(1), dim=1) @ learnt.T).amax(1).mean())


def order_auroc(
    sae: Dictionary, training: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor]
) -> float:
    """Mean over pairs of the best latent's AUROC of one order against the other.

    training, held_out: sequences and masks of where patterns end. The latent, and which order it
    is larger for, are those of the training sequences.
    """
    chosen_by, reported = (_differences(sae, *part) for part in (training, held_out))
    latent = chosen_by.abs().argmax(1, keepdim=True)
    sign = chosen_by.gather(1, latent).sign()
    return float((0.5 + sign * reported.gather(1, latent) / 2).mean())


def _differences(
    sae: Dictionary,
    x: Float[Tensor, "sequences time d"],
    ends: Bool[Tensor, "sequences time features"],
) -> Float[Tensor, "pairs latents"]:
    """For every latent, how much more often it is larger after one order than after the other."""
    code = torch.cat([sae.encode(some).dense().flatten(0, 1) for some in x.split(50)])
    ended = ends.flatten(0, 1)
    differences = []
    for pattern in range(PAIRS):
        forward, backward = code[ended[:, pattern]], code[ended[:, pattern + PAIRS]]
        more = (forward[:, None] > backward[None]).float().mean((0, 1))
        less = (forward[:, None] < backward[None]).float().mean((0, 1))
        differences.append(more - less)
    return torch.stack(differences)
