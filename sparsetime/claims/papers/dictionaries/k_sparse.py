"""k-sparse autoencoder: errors of a linear classifier on codes and on pixels of digits."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

import sparsetime as st
from sparsetime import seeds
from sparsetime.claims.claim import UNTRAINED, AtLeast, Lab, Less, claim

_WIDTH, _K, _EPOCHS, _BATCH = 512, 32, 60, 128


@claim(
    "k_sparse",
    system=144,
    says="Exactly k units fire on every sample, and a linear classifier makes fewer mistakes on "
    "codes of digits than on pixels, and than on codes of a denoising autoencoder.",
    data="scikit-learn's 1,797 digits of 8 x 8 pixels in place of MNIST, a third held out",
    expects=[
        AtLeast("share of samples with exactly k units", than=1.0),
        Less("mistakes on k-sparse codes", than="mistakes on pixels"),
        Less("mistakes on k-sparse codes", than="mistakes on denoising codes"),
    ],
    seconds=60,
    notes="The penalty of each classifier is chosen by cross-validation within the training part.",
    null=UNTRAINED,
    rule="Exactly k units fire per sample, and a linear classifier on digit codes beats raw "
    "pixels and an equal-size denoising autoencoder.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, digits = load_digits(return_X_y=True)
    x, x_out, y, y_out = train_test_split(
        pixels / 16,
        digits,
        test_size=1 / 3,
        random_state=seeds.integer(seed, "random choice"),
        stratify=digits,
    )
    x, x_out = torch.tensor(x).float(), torch.tensor(x_out).float()
    sae = st.dictionary("k_sparse", d_in=64, width=_WIDTH, k=_K, seed=seed)
    lab.train(sae, x, rows=_EPOCHS * len(x), batch=_BATCH, seed=seed, learning_rate=2e-3)
    code, code_out = sae.encode(x).dense(), sae.encode(x_out).dense()
    hidden = _denoising(x, seed)
    with torch.no_grad():
        noisy, noisy_out = hidden(x), hidden(x_out)
    return {
        "mistakes on k-sparse codes": _mistakes(code, y, code_out, y_out),
        "mistakes on pixels": _mistakes(x, y, x_out, y_out),
        "mistakes on denoising codes": _mistakes(noisy, y, noisy_out, y_out),
        "share of samples with exactly k units": float(
            ((code_out != 0).sum(1) == _K).float().mean()
        ),
    }


def _mistakes(
    x: Float[Tensor, "rows d"], y: object, x_out: Float[Tensor, "others d"], y_out: object
) -> float:
    """Share of held-out digits that a linear classifier gets wrong."""
    from sklearn.linear_model import RidgeClassifierCV

    scale = x.square().sum(1).mean().sqrt()
    reader = RidgeClassifierCV(alphas=[10.0**n for n in range(-5, 2)])
    reader.fit((x / scale).numpy(), y)
    return 1 - float(reader.score((x_out / scale).numpy(), y_out))


def _denoising(x: Float[Tensor, "rows d"], seed: int) -> nn.Module:
    """Hidden layer of a denoising autoencoder of the same width, one pixel in five erased."""
    with seeds.torch_globals(seed, "denoising autoencoder", "weights"):
        hidden = nn.Sequential(nn.Linear(x.shape[1], _WIDTH), nn.Sigmoid())
        whole = nn.Sequential(hidden, nn.Linear(_WIDTH, x.shape[1]))
    generator = seeds.torch_generator(seed, "denoising autoencoder", "order and pixels")
    optimiser = torch.optim.Adam(whole.parameters(), 2e-3)
    for _ in range(_EPOCHS):
        for rows in torch.randperm(len(x), generator=generator).split(_BATCH):
            kept = torch.rand(x[rows].shape, generator=generator) > 0.2
            erased = x[rows] * kept
            loss = (whole(erased) - x[rows]).square().sum(1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return hidden
