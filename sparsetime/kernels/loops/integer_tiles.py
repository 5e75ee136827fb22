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

ROWS, LATENTS = 6, 64  # of a tile: 24 of the 32 vector registers hold its sums
_LANES = 16
_VECTORS = LATENTS // _LANES
_INT32, _INT64, _FLOAT = ir.IntType(32), ir.IntType(64), ir.FloatType()
_INTEGERS, _FLOATS = ir.VectorType(_INT32, _LANES), ir.VectorType(_FLOAT, _LANES)


def has_vnni():
    """Whether the code that numba compiles may multiply 8-bit integers by AVX-512 VNNI."""
    features = cpu_target.target_context.codegen().magic_tuple()[2]
    return "+avx512vnni" in features.split(",") and "+avx512bw" in features.split(",")


def _load(builder, address, kind):
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=4)


def _store(builder, value, address):
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=4)


def _splat(builder, number):
    """A vector of one number."""
    nothing = ir.Constant(ir.VectorType(number.type, _LANES), ir.Undefined)
    zeros = ir.Constant(ir.VectorType(_INT32, _LANES), [0] * _LANES)
    first = builder.insert_element(nothing, number, _INT32(0))
    return builder.shuffle_vector(first, nothing, zeros)


def _at(builder, address, number, size):
    return builder.add(address, _INT64(number * size))


def _multiply_add(builder, sums, latents, rows):
    """Sums plus dot products of four unsigned bytes of latents and four signed bytes of rows."""
    if has_vnni():
        kind = ir.FunctionType(_INTEGERS, [_INTEGERS] * 3)
        name = "llvm.x86.avx512.vpdpbusd.512"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(function, [sums, latents, rows])
    for byte in range(4):
        unsigned = builder.and_(
            builder.lshr(latents, ir.Constant(_INTEGERS, [8 * byte] * _LANES)),
            ir.Constant(_INTEGERS, [255] * _LANES),
        )
        left = builder.shl(rows, ir.Constant(_INTEGERS, [24 - 8 * byte] * _LANES))
        signed = builder.ashr(left, ir.Constant(_INTEGERS, [24] * _LANES))
        sums = builder.add(sums, builder.mul(unsigned, signed))
    return sums


def _bits(builder, masks):
    """One 64-bit integer of four vectors of 16 bits, the first lowest."""
    whole = _INT64(0)
    for number, mask in enumerate(masks):
        bits = builder.zext(builder.bitcast(mask, ir.IntType(_LANES)), _INT64)
        whole = builder.or_(whole, builder.shl(bits, _INT64(number * _LANES)))
    return whole


def _sums(builder, rows, stride, panel, fours, start):
    """Sums of products of a tile, in a loop over groups of four dimensions: [ROWS][_VECTORS]."""
    first = [
        _splat(builder, _load(builder, _at(builder, start, row, 4), _INT32)) for row in range(ROWS)
    ]
    before, loop = builder.block, builder.append_basic_block("fours")
    after = builder.append_basic_block("after")
    builder.branch(loop)
    builder.position_at_end(loop)
    four = builder.phi(_INT64)
    four.add_incoming(_INT64(0), before)
    sums = [[builder.phi(_INTEGERS) for _ in range(_VECTORS)] for _ in range(ROWS)]
    at = builder.add(panel, builder.mul(four, _INT64(4 * LATENTS)))
    latents = [_load(builder, _at(builder, at, n, 4 * _LANES), _INTEGERS) for n in range(_VECTORS)]
    at = builder.add(rows, builder.mul(four, _INT64(4)))
    more = []
    for row in range(ROWS):
        address = builder.add(at, builder.mul(stride, _INT64(row)))
        bytes_of_row = _splat(builder, _load(builder, address, _INT32))
        more.append(
            [
                _multiply_add(builder, s, v, bytes_of_row)
                for s, v in zip(sums[row], latents, strict=True)
            ]
        )
    for row in range(ROWS):
        for n in range(_VECTORS):
            sums[row][n].add_incoming(first[row], before)
            sums[row][n].add_incoming(more[row][n], loop)
    following = builder.add(four, _INT64(1))
    four.add_incoming(following, loop)
    builder.cbranch(builder.icmp_unsigned("<", following, fours), loop, after)
    builder.position_at_end(after)
    return more


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
        latents = [
            [
                _load(builder, _at(builder, columns, part * _VECTORS + n, 4 * _LANES), _FLOATS)
                for n in range(_VECTORS)
            ]
            for part in range(2)
        ]
        for row in range(ROWS):
            scale = _splat(builder, _load(builder, _at(builder, scales, row, 4), _FLOAT))
            bound = _splat(builder, _load(builder, _at(builder, bounds, row, 4), _FLOAT))
            masks = []
            line = builder.add(out, builder.mul(step, _INT64(row)))
            for n in range(_VECTORS):
                whole = builder.sitofp(sums[row][n], _FLOATS)
                scaled = builder.fmul(whole, builder.fmul(scale, latents[0][n]))
                score = builder.fadd(scaled, latents[1][n])
                _store(builder, score, _at(builder, line, n, 4 * _LANES))
                masks.append(builder.fcmp_ordered(">", score, bound))
            place = builder.add(_at(builder, bounds, ROWS, 4), _INT64(8 * row))
            _store(builder, _bits(builder, masks), place)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 10), generate


@intrinsic
def mask_above(typing, scores, bound):
    """64-bit mask of the scores at an address, float32 [LATENTS], that are above the bound."""
    del scores, bound

    def generate(context, builder, signature, arguments):
        del context, signature
        scores, bound = arguments
        bounds = _splat(builder, bound)
        parts = [
            _load(builder, _at(builder, scores, n, 4 * _LANES), _FLOATS) for n in range(_VECTORS)
        ]
        return _bits(builder, [builder.fcmp_ordered(">", part, bounds) for part in parts])

    return types.uint64(types.intp, types.float32), generate


@intrinsic
def lowest_bit(typing, mask):
    """Number of the lowest bit that is set; the mask is not 0."""
    del mask

    def generate(context, builder, signature, arguments):
        del context, signature
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate
