"""Named streams: no two are the same numbers, and no truth is the weights of a dictionary."""

import inspect
from itertools import product

import numpy as np
import pytest
import torch
from golden import record

import sparsetime as st
from sparsetime import seeds
from sparsetime.dictionaries.sparsifiers.noisy import NoisySparsifier
from sparsetime.errors import ConfigError, UnknownNameError
from sparsetime.registry import components_of

SEEDS = range(20)
# Generators that others seed with a small number, as scripts do for data of their own.
PLAIN = range(1000)


def first_numbers(make, *arguments):
    """The first numbers of a generator, drawn as uniform and as normal ones."""
    if isinstance(make(*arguments), np.random.Generator):
        uniform, normal = make(*arguments).random(2), make(*arguments).standard_normal(2)
        return [tuple(uniform), tuple(normal)]
    uniform = torch.rand(2, generator=make(*arguments))
    # From sixteen numbers on, torch draws normal ones in another way.
    few, many = (torch.randn(n, generator=make(*arguments))[:2] for n in (2, 16))
    return [tuple(drawn.tolist()) for drawn in (uniform, few, many)]


@pytest.mark.parametrize("make", [seeds.torch_generator, seeds.numpy_generator])
def test_no_two_streams_share_a_prefix(make):
    seen = {}
    for arguments in product(SEEDS, seeds.STREAMS):
        for key in ((), (0,), (1,)):
            for numbers in first_numbers(make, *arguments, *key):
                assert seen.setdefault(numbers, (arguments, key)) == (arguments, key)


def plain_torch(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("make", "plain"),
    [(seeds.torch_generator, plain_torch), (seeds.numpy_generator, np.random.default_rng)],
)
def test_no_stream_is_a_generator_of_a_small_seed(make, plain):
    """Data planted by a script with `torch.Generator().manual_seed(0)` share nothing either."""
    small = {numbers for seed in PLAIN for numbers in first_numbers(plain, seed)}
    for seed, name in product(SEEDS, seeds.STREAMS):
        # The split's numbers are kept from 0.1.0, and are only ever an order of sequences.
        if (make, name) != (seeds.numpy_generator, "held-out split"):
            assert not small & {*first_numbers(make, seed, name)}, (seed, name)


def test_the_order_of_a_split_is_that_of_0_1_0():
    """With another, what 0.1.0 trained on would be held out."""
    drawn = seeds.numpy_generator(3, "held-out split").permutation(20)
    assert drawn.tolist() == np.random.default_rng(3).permutation(20).tolist()


def test_equal_arguments_give_equal_numbers_on_every_machine():
    assert seeds.numpy_generator(1, "bootstrap").integers(0, 1000, 4).tolist() == [
        28,
        612,
        661,
        632,
    ]
    drawn = torch.randint(1000, (4,), generator=seeds.torch_generator(1, "initial weights", 2))
    assert drawn.tolist() == [244, 208, 161, 120]
    assert seeds.integer(1, "decision tree") == 4284352047
    assert inspect.unwrap(seeds.integer)(np.int64(1), "decision tree") == 4284352047


def test_a_seed_or_a_name_that_is_none_is_refused():
    for make in (seeds.torch_generator, seeds.numpy_generator, seeds.integer):
        unchecked = inspect.unwrap(make)  # the tests check annotations, and scripts do not
        for given in (1.5, None, "0"):
            with pytest.raises(ConfigError, match=rf"got the seed {given!r}, expected an integer"):
                unchecked(given, "initial weights")
    with pytest.raises(UnknownNameError, match="did you mean 'initial weights'"):
        seeds.torch_generator(0, "initial weight")
    with pytest.raises(ConfigError, match="got seed=-1 of a split, expected a number from 0 on"):
        seeds.numpy_generator(-1, "held-out split")


def test_torchs_global_generator_is_a_stream_within_a_block_alone():
    before = torch.get_rng_state()
    with seeds.torch_globals(0, "generated documents"):
        inside = torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    generator = seeds.torch_generator(0, "generated documents")
    assert torch.equal(inside, torch.rand(3, generator=generator))


def random_rows(sae):
    """The atoms, and every random tensor of a dictionary, as rows of length one."""
    tensors = {**dict(sae.named_parameters()), **dict(sae.named_buffers())}
    if not any(torch.equal(sae.atoms, tensor) for tensor in tensors.values()):
        tensors["atoms"] = sae.atoms
    for name, tensor in tensors.items():
        if tensor.ndim > 1 and len(tensor) > 1 and tensor.is_floating_point():
            rows = tensor.detach().flatten(1)
            if rows.shape[1] > 7 and rows.std() > 0:
                yield name, torch.nn.functional.normalize(rows)


def nearest(rows, generator):
    """Largest cosine of a row with truths drawn in one go, and the mean over the truths."""
    true = torch.nn.functional.normalize(torch.randn(len(rows), rows.shape[1], generator=generator))
    best = (true @ rows.T).amax(1)
    return torch.stack([best.max(), best.mean()])


@pytest.mark.parametrize("name", record.names())
def test_before_training_no_dictionary_resembles_a_truth_of_its_own_seed(name):
    """The truth is drawn as scripts do, and from the streams of planted data, both with the seed of
    the dictionary, 0. Other seeds say how near random rows come by chance.
    """
    found = list(random_rows(record.made(name)))
    assert found
    truths = [plain_torch(0)]
    truths += [seeds.torch_generator(0, own) for own in seeds.STREAMS if "planted" in own]
    for tensor, rows in found:
        chance = torch.stack([nearest(rows, plain_torch(other)) for other in range(100, 112)])
        bound = chance.mean(0) + 8 * chance.std(0)
        for generator in truths:
            start = generator.get_state()
            assert (nearest(rows, generator) <= bound).all(), tensor
            generator.set_state(start)


NOISY = [
    kind
    for kind, sparsifier in components_of("sparsifier").items()
    if issubclass(sparsifier, NoisySparsifier)
]


def noisy(kind, seed=0):
    example = {"k": 4} if kind == "variational_top_k" else {}
    objective = ["mse"] if example else ["mse", {"kind": "l1", "weight": 0.1}]
    return st.compose(
        d_in=8, width=16, seed=seed, sparsifier={"kind": kind, **example}, objective=objective
    )


@pytest.mark.parametrize("kind", NOISY)
def test_noise_in_training_differs_between_seeds_and_steps(kind):
    sparsifiers = [noisy(kind, seed).sparsifier for seed in (0, 0, 1)]
    assert [int(one.noise_seed == sparsifiers[0].noise_seed) for one in sparsifiers] == [1, 1, 0]
    x = torch.randn(40, 8, generator=seeds.torch_generator(0, "random inputs"))
    drawn = []
    for seed, steps in ((0, 0), (0, 0), (1, 0), (0, 1)):
        sae = noisy(kind, seed)
        sae.load_state_dict({**noisy(kind).state_dict(), **only_noise(sae)})
        if kind == "temporal_mask":  # of which nothing is dropped while all scores are equal
            sae.sparsifier.frequency.copy_(torch.linspace(0.1, 1, 16))
        sae.sparsifier.steps_seen.fill_(steps)
        drawn.append(sae.forward_train(x).values)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], drawn[3])


def only_noise(sae):
    return {name: t for name, t in sae.state_dict().items() if name.endswith("noise_seed")}


@pytest.mark.parametrize("kind", NOISY)
def test_weights_without_a_seed_of_the_noise_are_loaded(kind):
    """0.1.0 saved none."""
    sae = noisy(kind)
    weights = sae.state_dict()
    del weights[next(iter(only_noise(sae)))]
    sae.load_state_dict(weights)
    assert int(sae.sparsifier.noise_seed) == 0
