"""Numba intrinsics: scores of 6 rows and 64 latents from a product of 8-bit integers.

numba has no name for the instruction that multiplies 8-bit integers four at a time (AVX-512 VNNI,
`vpdpbusd`), so the loop over the input's dimensions is written as LLVM instructions. Where the
processor lacks that instruction the same sums are formed by ordinary ones, slowly.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from sparsetime.kernels.loops.vectors import (
    FLOAT,
    FLOATS,
    INT32,
    INT64,
    INTEGERS,
    LANES,
    bits,
    load,
    offset,
    splat,
    store,
)

ROWS, LATENTS = 6, 64  # of a tile: 24 of the 32 vector registers hold its sums
VECTORS = LATENTS // LANES


def has_vnni():
    """Whether the code that numba compiles may multiply 8-bit integers by AVX-512 VNNI."""
    features = cpu_target.target_context.codegen().magic_tuple()[2]
    return "+avx512vnni" in features.split(",") and "+avx512bw" in features.split(",")


def _multiply_add(builder, sums, latents, rows):
    """Sums plus dot products of four unsigned bytes of latents and four signed bytes of rows."""
    if has_vnni():
        kind = ir.FunctionType(INTEGERS, [INTEGERS] * 3)
        name = "llvm.x86.avx512.vpdpbusd.512"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(function, [sums, latents, rows])
    for byte in range(4):
        unsigned = builder.and_(
            builder.lshr(latents, ir.Constant(INTEGERS, [8 * byte] * LANES)),
            ir.Constant(INTEGERS, [255] * LANES),
        )
        left = builder.shl(rows, ir.Constant(INTEGERS, [24 - 8 * byte] * LANES))
        signed = builder.ashr(left, ir.Constant(INTEGERS, [24] * LANES))
        sums = builder.add(sums, builder.mul(unsigned, signed))
    return sums


def _sums(builder, rows, stride, panel, fours, start):
    """Sums of products of a tile, in a loop over groups of four dimensions: [ROWS][VECTORS]."""
    first = [
        splat(builder, load(builder, offset(builder, start, row, 4), INT32)) for row in range(ROWS)
    ]
    before, loop = builder.block, builder.append_basic_block("fours")
    after = builder.append_basic_block("after")
    builder.branch(loop)
    builder.position_at_end(loop)
    four = builder.phi(INT64)
    four.add_incoming(INT64(0), before)
    sums = [[builder.phi(INTEGERS) for _ in range(VECTORS)] for _ in range(ROWS)]
    at = builder.add(panel, builder.mul(four, INT64(4 * LATENTS)))
    latents = [load(builder, offset(builder, at, n, 4 * LANES), INTEGERS) for n in range(VECTORS)]
    at = builder.add(rows, builder.mul(four, INT64(4)))
    more = []
    for row in range(ROWS):
        address = builder.add(at, builder.mul(stride, INT64(row)))
        bytes_of_row = splat(builder, load(builder, address, INT32))
        more.append(
            [
                _multiply_add(builder, s, v, bytes_of_row)
                for s, v in zip(sums[row], latents, strict=True)
            ]
        )
    for row in range(ROWS):
        for n in range(VECTORS):
            sums[row][n].add_incoming(first[row], before)
            sums[row][n].add_incoming(more[row][n], loop)
    following = builder.add(four, INT64(1))
    four.add_incoming(following, loop)
    builder.cbranch(builder.icmp_unsigned("<", following, fours), loop, after)
    builder.position_at_end(after)
    return more


def write_scores(builder, row, sums, scales, columns, bounds, rows, out, step):
    """Write scores and mask of one of a tile's rows, from four vectors: see `scores_of_tile`."""
    scale = splat(builder, load(builder, offset(builder, scales, row, 4), FLOAT))
    bound = splat(builder, load(builder, offset(builder, bounds, row, 4), FLOAT))
    line, masks = builder.add(out, builder.mul(step, row)), []
    for n in range(VECTORS):
        of_latents, biases = (
            load(builder, offset(builder, columns, part * VECTORS + n, 4 * LANES), FLOATS)
            for part in range(2)
        )
        whole = builder.sitofp(sums[n], FLOATS)
        scaled = builder.fmul(whole, builder.fmul(scale, of_latents))
        score = builder.fadd(scaled, biases)
        store(builder, score, offset(builder, line, n, 4 * LANES))
        masks.append(builder.fcmp_ordered(">", score, bound))
    place = offset(builder, offset(builder, bounds, rows, 4), row, 8)
    store(builder, bits(builder, masks), place)


@intrinsic
def scores_of_tile(typing, rows, stride, panel, fours, start, scales, columns, bounds, out, step):
    """Write scores [ROWS, LATENTS] to `out`, and one 64-bit mask a row of those above its bound.

        score = sum of products * (scale of the row * scale of the latent) + bias of the latent

    All are addresses, but: stride, bytes between rows; fours, groups of four dimensions; step,
    bytes between rows of `out`. panel: unsigned bytes [fours, LATENTS, 4], each 128 larger than the
    integer of the latent. start: int32 [ROWS], -128 times the sum of each row. scales: of the rows,
    [ROWS]. columns: scales of the latents [LATENTS], then their biases. bounds: float32 [ROWS],
    then room for the masks [ROWS].
    """
    del rows, stride, panel, fours, start, scales, columns, bounds, out, step

    def generate(context, builder, signature, arguments):
        del signature
        rows, stride, panel, fours, start, scales, columns, bounds, out, step = arguments
        sums = _sums(builder, rows, stride, panel, fours, start)
        for row in range(ROWS):
            write_scores(builder, INT64(row), sums[row], scales, columns, bounds, ROWS, out, step)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 10), generate


@intrinsic
def mask_above(typing, scores, bound):
    """64-bit mask of the scores at an address, float32 [LATENTS], that are above the bound."""
    del scores, bound

    def generate(context, builder, signature, arguments):
        del context, signature
        scores, bound = arguments
        bounds = splat(builder, bound)
        parts = [
            load(builder, offset(builder, scores, n, 4 * LANES), FLOATS) for n in range(VECTORS)
        ]
        return bits(builder, [builder.fcmp_ordered(">", part, bounds) for part in parts])

    return types.uint64(types.intp, types.float32), generate


@intrinsic
def lowest_bit(typing, mask):
    """Number of the lowest bit that is set; the mask is not 0."""
    del mask

    def generate(context, builder, signature, arguments):
        del context, signature
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate
