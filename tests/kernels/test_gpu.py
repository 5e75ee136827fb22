"""What only the kernels for GPUs have: tiles, blocks, programs that must compile, and a choice.

Their results are compared with the reference's in test_kernels.py, for batches of a single tile.
"""

from itertools import product

import forked
import pytest
import torch

from sparsetime import kernels
from sparsetime.errors import ConfigError
from sparsetime.kernels import (
    AbsTopKRule,
    BatchTopKRule,
    Support,
    ThresholdRule,
    TopKPerRowRule,
    TopKRule,
    dispatch,
    reference,
)

pytest.importorskip("triton", reason="Triton is not installed (extra `gpu`, Linux only)")

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
WIDTH = 70


@pytest.fixture
def gpu(monkeypatch):
    """The kernels with tiles of 4 rows and small blocks of columns."""
    from sparsetime.kernels import gpu, gpu_tiles

    monkeypatch.setattr(gpu_tiles, "_TILE_BYTES", 1)
    monkeypatch.setattr(gpu_tiles, "_LEAST_ROWS", 4)
    monkeypatch.setattr(gpu_tiles, "_COLUMNS", 32)
    monkeypatch.setattr(gpu, "_COLUMNS", 16)
    monkeypatch.setattr(gpu, "_DECODE_SHAPES", ((1 << 40, 16, 16, 1),))
    monkeypatch.setattr(gpu, "_SCORES_AT_ONCE", 16)
    return gpu


def same_places(gpu, x, weight, bias, rule):
    matrices = [matrix.to(DEVICE) for matrix in (x, weight, bias)]
    on_device = rule
    if isinstance(rule, ThresholdRule):
        on_device = ThresholdRule(rule.threshold.to(DEVICE))
    found = gpu.select(*matrices, on_device, torch.float32)
    expected = reference.select(x, weight, bias, rule, torch.float32)
    return torch.equal(found.offsets.cpu(), expected.offsets) and torch.equal(
        found.indices.cpu(), expected.indices
    )


def problem(rows, d=6, width=WIDTH):
    generator = torch.Generator().manual_seed(rows)
    shapes = (rows, d), (width, d), (width,)
    return [torch.randn(shape, generator=generator) for shape in shapes]


@pytest.mark.parametrize(
    "rule",
    [TopKRule(3), AbsTopKRule(3), BatchTopKRule(2), ThresholdRule(torch.linspace(0, 3, WIDTH))],
    ids=str,
)
def test_several_tiles_and_blocks_give_what_one_does(gpu, rule):
    assert same_places(gpu, *problem(10), rule)


@pytest.mark.parametrize("scale", [0.02, 50.0], ids=["small_first", "large_first"])
def test_batch_top_k_when_the_first_rows_are_unlike_the_others(gpu, scale):
    x, weight, bias = problem(11)
    x[:4] *= scale
    assert same_places(gpu, x, weight, bias * 0, BatchTopKRule(2))


def test_ties_across_tiles_keep_the_first(gpu):
    x, weight = torch.ones(6, 1), torch.ones(WIDTH, 1)
    assert same_places(gpu, x, weight, torch.zeros(WIDTH), BatchTopKRule(3))
    assert same_places(gpu, x, weight, torch.zeros(WIDTH), TopKRule(3))


def test_batch_top_k_holds_few_entries_where_every_tile_beats_the_last(gpu, monkeypatch):
    x = torch.arange(1.0, 17.0)[:, None]
    from sparsetime.kernels import gpu_select

    kept = []
    original = gpu_select._keep_largest
    monkeypatch.setattr(
        gpu_select, "_keep_largest", lambda held, n: kept.append(len(held[0])) or original(held, n)
    )
    weight, bias = torch.ones(WIDTH, 1) + torch.rand(WIDTH, 1) / 1e3, torch.zeros(WIDTH)
    assert same_places(gpu, x, weight, bias, BatchTopKRule(1))
    assert kept
    assert max(kept) <= 4 * 16


def test_a_rule_without_a_program_is_refused(gpu):
    rule = TopKPerRowRule(torch.ones(4, dtype=torch.int64, device=DEVICE))
    with pytest.raises(ConfigError, match=r"got the rule TopKPerRowRule.*call kernels\.select"):
        gpu.select(*(matrix.to(DEVICE) for matrix in problem(4)), rule, torch.float32)


def test_no_rows_by_width_tensor_is_made(gpu, monkeypatch):
    sizes = []
    original = torch.empty
    monkeypatch.setattr(
        torch, "empty", lambda *shape, **how: sizes.append(shape) or original(*shape, **how)
    )
    gpu.select(
        *(matrix.to(DEVICE) for matrix in problem(12)),
        ThresholdRule(torch.tensor(1e3, device=DEVICE)),
        torch.float32,
    )
    assert (4, WIDTH) in sizes
    assert not [shape for shape in sizes if shape[0] == 12]


def test_rows_longer_than_a_block_of_entries_and_of_columns(gpu):
    rows, d, width = 3, 37, 50
    generator = torch.Generator().manual_seed(0)
    x, weight = (
        torch.randn(rows, d, generator=generator),
        torch.randn(width, d, generator=generator),
    )
    offsets = torch.tensor([0, 40, 40, 57])
    indices = torch.cat([torch.arange(40), torch.arange(17) * 2])
    support = Support(offsets.to(DEVICE), indices.to(DEVICE), width)
    values = gpu.gather_dot(x.to(DEVICE), weight.to(DEVICE), support).cpu()
    expected = reference.gather_dot(x, weight, Support(offsets, indices, width))
    torch.testing.assert_close(values, expected)
    out = gpu.decode(values.to(DEVICE), support.offsets, support.indices, weight.to(DEVICE))
    torch.testing.assert_close(out.cpu(), reference.decode(expected, offsets, indices, weight))


COMPILE = """
(sending,) = given
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from sparsetime.kernels import gpu_block_programs, gpu_programs, gpu_row_programs

FLOATS = "bias x weight out values atoms first second scale".split()
SMALL = "k width entries d groups size_of_all".split()
LARGE = "starts indices rows offsets row_of".split()
SCALARS = "first_decay second_decay size correction epsilon".split()
PROGRAMS = {
    gpu_row_programs: "rank_bounds count_entries write_entries",
    gpu_block_programs: "block_maxima largest_blocks largest_entries blocks_above count_above "
    "write_above",
    gpu_programs: "gather_dot decode largest_of_runs sums_of_runs project adam",
}
for module, name in [(m, name) for m, names in PROGRAMS.items() for name in names.split()]:
    program = getattr(module, name)
    columns = {"gather_dot": 128, "decode": 128, "project": 1024, "adam": 1024}.get(name, 4096)
    constants = {"MAGNITUDE": True, "COLUMNS": columns, "ENTRIES": 16, "GROUP": 64, "BLOCKS": 32}
    constants |= {"UNIT_ROWS": True}
    types = {"tile": "*bf16"}
    types |= dict.fromkeys(FLOATS, "*fp32") | dict.fromkeys(SMALL, "i32")
    types |= dict.fromkeys(LARGE, "*i64") | dict.fromkeys(constants, "constexpr")
    types |= dict.fromkeys(SCALARS, "fp32")
    if name == "count_entries":
        types["bound"] = "i32"
    if name == "largest_of_runs":
        types |= {"scores": "*fp32", "k_of_run": "*i64", "keep": "*i8"}
    signature = {argument: types.get(argument, "*i32") for argument in program.arg_names}
    given = {(program.arg_names.index(n),): v for n, v in constants.items() if n in signature}
    source = ASTSource(program, signature, given)
    for chip in (80, 90):
        made = compile(source, target=GPUTarget("cuda", chip, 32), options={"num_warps": 4})
        sending.send((name, chip, len(made.asm["cubin"]) > 0))
"""
PROGRAMS = (
    "rank_bounds count_entries write_entries block_maxima largest_blocks largest_entries "
    "blocks_above count_above write_above gather_dot decode largest_of_runs sums_of_runs "
    "project adam"
)


def test_the_programs_compile_for_a_gpu(tmp_path, monkeypatch):
    """The interpreter is laxer than the compiler about types, and the compiler needs no GPU."""
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    receiving, sending = forked.pipe(duplex=False)
    process = forked.start(COMPILE, sending)
    sending.close()
    for name, chip in product(PROGRAMS.split(), (80, 90)):
        assert receiving.recv() == (name, chip, True)
    process.join()
    assert process.exitcode == 0


@pytest.mark.parametrize(("triton", "name"), [(True, "gpu"), (False, "reference")])
def test_tensors_on_a_gpu_choose_triton_where_it_is(monkeypatch, triton, name):
    monkeypatch.setattr(dispatch, "_has_triton", lambda: triton)
    assert kernels.backend_name(torch.device("cuda")) == name
    assert kernels.backend_name(torch.device("cpu")) == "cpu"
    assert kernels.backend_name(torch.device("mps")) == "reference"


def test_forcing_the_gpu_kernels_without_triton_says_what_to_install(monkeypatch):
    monkeypatch.setattr(dispatch, "_has_triton", lambda: False)
    with (
        pytest.raises(
            ConfigError, match=r"no installation of Triton.*pip install 'sparsetime\[gpu\]'"
        ),
        kernels.use("gpu"),
    ):
        pass


def test_cpu_tensors_for_the_gpu_kernels_are_refused(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    with (
        kernels.use("gpu"),
        pytest.raises(ConfigError, match=r"got a tensor on the CPU.*move the tensors to a GPU"),
    ):
        kernels.select(*problem(2), TopKRule(1))
