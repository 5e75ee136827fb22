"""The Lazy Neuron: training makes ReLU activations sparse, more so in wide nets; top-k MLPs."""

import torch
from jaxtyping import Int
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.claims.lab.net_training import accuracy, train_net
from sparsetime.computation.cost import cost
from sparsetime.computation.sparsify import sparsify
from sparsetime.testbeds.digits.data import digits
from sparsetime.testbeds.digits.nets import digit_net

WIDTHS, STEPS, BATCH, RATE = (64, 256, 1024), 400, 128, 1e-3
TOP_WIDTH, SPARSITY, NOISE, BINS = 256, 0.75, 0.4, 10


@claim(
    "lazy_neuron",
    system=68,
    says="The share of active ReLU neurons falls during training, and more in wide nets, also with "
    "random labels; top-k MLPs keep accuracy and are better calibrated when labels are noisy.",
    data="digits of scikit-learn; one hidden layer of 64 to 1,024 neurons, 400 steps",
    expects=[
        Less("active after training, width 256", than="active before training, width 256"),
        Less("active with random labels, width 256", than="active before training, width 256"),
        Less("active after training, width 1024", than="active after training, width 64"),
        AtMost("points below dense, top-k", than=1.0),
        Less("calibration error with noise, top-k", than="calibration error with noise, dense"),
    ],
    seconds=60,
    rule="nonzero share falls during training and with width, including on random labels; Top-k "
    "MLPs keep accuracy and improve calibration under noise.",
    notes="Multilayer perceptrons in the place of transformers. Noise: 40% of the training labels "
    "are random; the error is of held-out digits with right labels, over 10 bins of confidence.",
    null=lambda lab, seed: _values(seed, untrained=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Nets by width and labels, and a top-k net."""
    return _values(seed)


def _values(seed: int, untrained: bool = False) -> dict[str, float]:
    """untrained: the null, in which no net is trained."""
    bed = digits()
    images, held_out = bed.train.images, bed.held_out
    generator = seeds.torch_generator(seed, "random choice")
    random = torch.randint(10, bed.train.classes.shape, generator=generator)
    noisy = torch.rand(random.shape, generator=generator) < NOISE
    steps = 0 if untrained else STEPS

    def trained(width: int, classes: Tensor, top_k: bool = False) -> nn.Module:
        net = digit_net(width, seed=seed)
        if top_k:
            sparsify(net, "lazy_neurons", sparsity=SPARSITY, data=images[:16])
        if steps:
            train_net(net, images, classes, steps=steps, batch=BATCH, learning_rate=RATE, seed=seed)
        return net

    values = {}
    for width in WIDTHS:
        net = trained(width, bed.train.classes)
        values[f"active after training, width {width}"] = _active(net, held_out.images)
        values[f"active before training, width {width}"] = _active(
            digit_net(width, seed=seed), held_out.images
        )
        net = trained(width, random)
        values[f"active with random labels, width {width}"] = _active(net, images)
    points = {}
    for name in ("dense", "top-k"):
        net = trained(TOP_WIDTH, bed.train.classes, name == "top-k")
        points[name] = 100 * accuracy(net, held_out.images, held_out.classes)
        net = trained(TOP_WIDTH, torch.where(noisy, random, bed.train.classes), name == "top-k")
        error = _calibration_error(net, held_out.images, held_out.classes)
        values[f"calibration error with noise, {name}"] = error
        values[f"accuracy with noise, {name}"] = accuracy(net, held_out.images, held_out.classes)
    return {"points below dense, top-k": points["dense"] - points["top-k"], **values}


def _active(net: nn.Module, images: Tensor) -> float:
    """The share of hidden neurons that are not zero, which is what the last map needs."""
    return cost(net, images).share_by_matrix()["2"]


@torch.no_grad()
def _calibration_error(net: nn.Module, images: Tensor, classes: Int[Tensor, " rows"]) -> float:
    """Expected calibration error: |accuracy - confidence| over bins, weighted by their rows."""
    confidence, chosen = net(images).softmax(1).max(1)
    bins = (confidence * BINS).long().clamp_max(BINS - 1)
    right = (chosen == classes).double()
    gaps = torch.zeros(BINS).double().index_add(0, bins, right - confidence.double())
    return float(gaps.abs().sum() / len(images))
