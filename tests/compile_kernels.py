"""Compiles the numba kernels by one use of each, so that two test workers do not both compile them.

numba keeps what it compiled beside the source, for users as for tests, and compiles again what was
edited. `make setup` and `make test` call this where a kernel is newer than the last call. The
modules with the decorators of `conftest` are compiled and kept, too.
"""

from __future__ import annotations

import pkgutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import conftest  # noqa: F401  # before the package, whose imports it hooks
import numpy as np
import torch
from known_codes import Itself, make_store
from numba.core.dispatcher import Dispatcher
from planted import planted
from planted_text import planted_texts
from small_batches import small_source
from small_recipes import CARDS, small
from small_run import add_dictionary, prose, write_store

import sparsetime as st
from sparsetime import kernels, seeds
from sparsetime.attention_pattern import AttentionPattern
from sparsetime.codes import SparseCode
from sparsetime.features.change_points import boundaries
from sparsetime.kernels import cpu_select, quantised_weights
from sparsetime.kernels import selection_rules as rules
from sparsetime.kernels.condensed import CondensedMatrix
from sparsetime.kernels.loops.keep_bits import keep_bits
from sparsetime.kernels.nonzero import count_by_column, count_by_row
from sparsetime.kernels.product_select import ProductOfIntegers
from sparsetime.kernels.quantised_weights import quantised
from sparsetime.key_range import KeyRange
from sparsetime.testbeds import SynthSAEBench, SynthSAEBenchSettings

PACKAGE = Path(st.__file__).parent


def select(*dtypes):
    """Every rule of selection in these dtypes."""
    generator = seeds.torch_generator(0, "random inputs")
    x, weight = (torch.randn(n, 16, generator=generator) for n in (32, 512))
    ways = (
        rules.TopKRule(4),
        rules.AbsTopKRule(4),
        rules.BatchTopKRule(4),
        rules.ThresholdRule(torch.tensor(1.0)),
        rules.NearTopKRule(4, torch.full((32,), 0.1)),
    )
    for dtype, rule in product(dtypes, ways):
        support = kernels.select(x, weight, torch.zeros(512), rule, dtype)
    kernels.count_latents(support)


def attend_sparsely():
    """Sparse attention of single queries, which runs in loops."""
    generator = seeds.torch_generator(0, "random inputs")
    q, k, v = (torch.randn(1, 2, 8, 4, generator=generator) for _ in range(3))
    kernels.attend(q[:, :, :1], k, v, AttentionPattern.full(KeyRange.causal(1, 8), unit=1))


def select_in_product():
    """Every rule of selection within a product, which kernels use on some processors alone."""
    generator = seeds.torch_generator(0, "random inputs")
    x, weight = (torch.randn(n, 16, generator=generator) for n in (32, 1024))
    product = ProductOfIntegers(x.numpy(), quantised(weight), np.zeros(1024, np.float32))
    product.largest(4, lambda _: (np.zeros(0, np.int64), np.zeros(0, np.int64)))
    product.near_largest(4, np.zeros(32, np.float32), lambda _: (np.zeros(0, np.int64),) * 2)
    product.largest_of_batch(128)


def scan():
    """The diagonal scan and its gradient, real and complex."""
    for dtype in (torch.float32, torch.float64, torch.complex64):
        decay = torch.full((1, 1, 4), 0.5, dtype=dtype, requires_grad=True)
        inputs = torch.ones(2, 3, 4, dtype=dtype)
        kernels.diagonal_scan(decay, inputs).abs().sum().backward()


def multiply_condensed():
    """A matrix of constant fan-in."""
    matrix = CondensedMatrix.from_mask(torch.ones(4, 8), torch.ones(4, 8, dtype=torch.bool))
    matrix.product(torch.ones(2, 8))


def count_nonzero():
    """Entries that are not zero, of every type and of narrow and wide counts."""
    for dtype in (torch.float32, torch.float64, torch.bool):
        x = torch.ones(2, 8, dtype=dtype)
        count_by_row(x, count_by_column(x))
        count_by_row(x, torch.full((8,), 2**31))


def remove_by_bits():
    """Entries of a masked matrix, of every size of an entry."""
    for dtype in (torch.int8, torch.int16, torch.int32, torch.int64):
        keep_bits(torch.ones(4, dtype=dtype).numpy(), torch.ones(4, dtype=torch.int8).numpy())


def use_all_else():
    """Two steps and a code of every recipe, and a run with all metrics."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for recipe in CARDS:
            sae = small(recipe)
            out, source = folder / "recipes" / recipe, small_source(sae, batch=64, steps=2)
            run = st.train(sae, source, out=out, rows=2 * 64, batch=64, show=False)
            run.dictionary.encode(planted(40, sequences=4))
        store = write_store(folder / "activations", [prose(n, 12) for n in range(3)])
        sae = add_dictionary(folder, store, "topk")
        st.evaluate(sae, store, progress=False)
        code = sae.encode(store.sequence(0).values)
        boundaries(code, np.ones(code.width))
        st.metrics.lead_lag(code)
        associate(folder)
        beats = torch.zeros(4, 64, 2)
        beats[:, ::4, 0] = beats[:, ::7, 1] = 1.0
        st.metrics.periodicity(SparseCode.from_dense(beats), longest=16)
        world = {"features": 20, "d": 8, "roots": 2, "branching": 2, "depth": 1}
        SynthSAEBench(SynthSAEBenchSettings(**world, correlation_rank=2)).code(0)


def associate(folder):
    """Labels of steps and of recordings with a sparse baseline, and events."""
    generator = seeds.torch_generator(0, "random inputs")
    rows = [torch.randn(60, 8, generator=generator) for _ in range(6)]
    steps = {"kind": [["a", "b", "c"] * 20] * 6}
    store = make_store(
        folder / "labelled", rows, steps=steps, labels=[{"x": n // 2} for n in range(6)]
    )
    made = st.index(Itself(8), store, folder / "labelled-index", progress=False)
    st.label_features(made, store, baselines={"other": made}, draws=20, progress=False)
    onsets = st.features.label_onsets(made, store, "kind")
    st.peri_event(made, onsets, draws=20, progress=False)
    st.explain(*planted_texts(folder / "explained"), moments=100, progress=False)


def left_out():
    """Functions that numba compiles and keeps of which there is no file beside the source."""
    for file in sorted(PACKAGE.rglob("*.py")):
        if "numba import njit" not in file.read_text():
            continue
        module = ".".join(["sparsetime", *file.relative_to(PACKAGE).with_suffix("").parts])
        for name, value in vars(import_module(module)).items():
            if isinstance(value, Dispatcher) and value.py_func.__module__ == module:
                kept = f"{file.stem}.{value.py_func.__qualname__}-*.nbi"
                if not list((file.parent / "__pycache__").glob(kept)):
                    yield f"{module}.{name}"


def half(number):
    """What one of two processes does."""
    if number == 0:
        select(torch.float32, torch.bfloat16)
        for module in pkgutil.walk_packages(st.__path__, "sparsetime."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    else:
        select(torch.int8)
        select_in_product()
        # The form of processors without AMX, whose loops the tests of both forms run, too.
        for module in (quantised_weights, cpu_select):
            module.multiplies_matrices = bool
        select(torch.int8)
        select_in_product()
        attend_sparsely()
        scan()
        multiply_condensed()
        count_nonzero()
        remove_by_bits()
        use_all_else()


def main():
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(half, (0, 1)))
    if names := list(left_out()):
        sys.exit(f"got no call of {', '.join(names)}; call them in {__file__}")


if __name__ == "__main__":
    main()
