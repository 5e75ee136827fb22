"""Bilinear encoder: quadratic forms from the weights, and FVU on circles."""

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, Less, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import BilinearEncoder
from sparsetime.dictionaries.recipes.card import dictionary

_CIRCLES, _D, _WIDTH, _K, _ROWS = 8, 32, 64, 2, 80_000


@claim(
    "bilinear",
    system=145,
    says="A latent's quadratic form, rebuilt from the weights, gives its activations exactly; "
    "circles are reconstructed better than by a linear TopK SAE with as many latents.",
    data="points on one of eight planted circles in 32 dimensions",
    expects=[
        AtMost("largest relative difference of form and latent", than=1e-4),
        Less("FVU of bilinear", than="FVU of TopK"),
    ],
    seconds=60,
    null=UNTRAINED,
    rule="A latent's quadratic form rebuilt from weights reproduces its activations exactly, "
    "and planted circles reconstruct better than with a linear SAE of equal latents.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Both recipes at the same width and k."""
    generator = seeds.torch_generator(seed, "planted atoms")
    planes = torch.linalg.qr(torch.randn(_CIRCLES, _D, 2, generator=generator)).Q
    generator = seeds.torch_generator(seed, "planted codes")
    train, held_out = (_on_circles(planes, rows, generator) for rows in (20_000, 5_000))
    values: dict[str, float] = {}
    for label, name in (("bilinear", "bilinear"), ("TopK", "topk")):
        sae = dictionary(name, d_in=_D, width=_WIDTH, k=_K, seed=seed)
        trained = lab.train(sae, train, rows=_ROWS, seed=seed, learning_rate=3e-3)
        values[f"FVU of {label}"] = lab.fvu(trained, held_out)
        if name == "bilinear":
            values["largest relative difference of form and latent"] = _difference(
                trained, held_out[:500]
            )
    return values


def _on_circles(
    planes: Float[Tensor, "circles d 2"], rows: int, generator: torch.Generator
) -> Float[Tensor, "rows d"]:
    """Each row on one of the circles, of radius one, at a random angle."""
    which = torch.randint(len(planes), (rows,), generator=generator)
    angle = 2 * torch.pi * torch.rand(rows, generator=generator)
    place = torch.stack([angle.cos(), angle.sin()], 1)
    return (planes[which] @ place[..., None]).squeeze(2)


@torch.no_grad()
def _difference(trained: Dictionary, x: Float[Tensor, "rows d"]) -> float:
    """Largest difference between quadratic forms of the weights and pre-activations."""
    encoder = trained.encoder
    assert isinstance(encoder, BilinearEncoder), "the recipe has this encoder"
    seen = trained.centred(trained.normalisation.normalise(x))
    with_one = torch.cat([seen, torch.ones(len(x), 1)], 1).double()
    forms = torch.stack([encoder.form(latent) for latent in range(trained.width)]).double()
    rebuilt = torch.einsum("ri,lij,rj->rl", with_one, forms, with_one)
    computed = encoder.pre_activations(seen).double()
    return float((rebuilt - computed).abs().max() / computed.abs().max())
