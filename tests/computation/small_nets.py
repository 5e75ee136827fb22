"""Small networks, their data, and a loop of training, for tests of sparse computation."""

import torch
from torch import nn

import sparsetime as st

EVERY = {card.name: card for card in st.recipes(kind="computation plan")}
#: Of plans of weights, which train.
CARDS = {name: card for name, card in EVERY.items() if "score" in card.components}
#: Of plans that an optimiser can be attached to.
TRAINED = {name: card for name, card in EVERY.items() if card.acts_on in ("weights", "bits")}
SPARSITY = {"bdwp": 0.75}


def net(seed=0):
    """Two hidden layers; all sizes are divided by 8."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 8)
    )


def data(rows=64):
    """Inputs and classes that a linear map decides."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(rows, 16, generator=generator)
    return x, (x @ torch.randn(16, 8, generator=generator)).argmax(1)


def short(name):
    """Settings of a recipe by which all of its schedule lies within ten steps."""
    wanted = {"steps": 8, "until": 8, "every": 2}
    return {key: value for key, value in wanted.items() if key in EVERY[name].defaults}


def sparsified(name, model, **settings):
    share = {"sparsity": SPARSITY.get(name, 0.5)} if EVERY[name].takes_sparsity else {}
    settings = {**share, **short(name), **settings}
    return st.sparsify(model, name, data=data(), **settings)


def train(model, optimiser, steps, after=None):
    """Steps on the whole data; `after` is called behind each."""
    x, y = data()
    for _ in range(steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimiser.step()
        if after:
            after()
