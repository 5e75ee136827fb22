"""Numba intrinsics: scores of 16 rows and 64 latents by AMX, instructions that multiply matrices.

One instruction multiplies 16 rows and 16 latents in 64 dimensions, of 8-bit integers. The sums are
those of `integer_tiles`, and so are the scores. Eight registers hold a matrix of 16 lines of 64
bytes each; what shape they have is set for a thread before, and taken back after.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from sparsetime.kernels.loops.integer_tiles import LATENTS, VECTORS, write_scores
from sparsetime.kernels.loops.vectors import INT32, INT64, INTEGERS, LANES, load, offset, splat

MATRIX_ROWS, MATRIX_BYTES = 16, 64  # of a register
_INT8 = ir.IntType(8)
_ADDRESS = _INT8.as_pointer()
# Registers 0 to 3 hold sums, 4 the rows, and 5 to 7 the latents by turns.
_ROWS, _LATENTS = 4, (5, 6, 7, 5)

# Of `ldtilecfg`: palette 1, then the bytes of a line (16 bits) and the lines (8 bits) of each.
_SHAPES = np.zeros(64, np.uint8)
_SHAPES[0] = 1
_SHAPES[16:32].view(np.uint16)[:] = MATRIX_BYTES
_SHAPES[48:56] = MATRIX_ROWS


def has_matrices():
    """Whether the code that numba compiles may multiply matrices of 8-bit integers by AMX."""
    features = cpu_target.target_context.codegen().magic_tuple()[2].split(",")
    return "+amx-tile" in features and "+amx-int8" in features


def shapes_of_registers():
    """The shapes that `begin` sets, and room for those that it found: uint8 [128]."""
    return np.concatenate([_SHAPES, np.zeros_like(_SHAPES)])


def _call(builder, name, *operands):
    """Call an instruction of AMX; numbers are those of registers."""
    if not has_matrices():  # never run there, but compiled with the function around it
        return
    given = [_INT8(one) if isinstance(one, int) else one for one in operands]
    kind = ir.FunctionType(ir.VoidType(), [one.type for one in given])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.{name}")
    builder.call(function, given)


def _pointer(builder, address):
    return builder.inttoptr(address, _ADDRESS)


@intrinsic
def begin(typing, shapes):
    """Set the registers' shapes for this thread: the address of `shapes_of_registers`."""
    del shapes

    def generate(context, builder, signature, arguments):
        del signature
        _call(builder, "sttilecfg", _pointer(builder, offset(builder, arguments[0], 64, 1)))
        _call(builder, "ldtilecfg", _pointer(builder, arguments[0]))
        return context.get_dummy_value()

    return types.void(types.intp), generate


@intrinsic
def end(typing, shapes):
    """Set the shapes that `begin` found: those of another library, or none."""
    del shapes

    def generate(context, builder, signature, arguments):
        del signature
        _call(builder, "ldtilecfg", _pointer(builder, offset(builder, arguments[0], 64, 1)))
        return context.get_dummy_value()

    return types.void(types.intp), generate


def _write_sums(builder, rows, stride, panel, fours, out, step):
    """Write the sums of products of a tile: int32 [MATRIX_ROWS, LATENTS]."""
    for n in range(VECTORS):
        _call(builder, "tilezero", n)
    before, loop = builder.block, builder.append_basic_block("dimensions")
    after = builder.append_basic_block("after")
    builder.branch(loop)
    builder.position_at_end(loop)
    four = builder.phi(INT64)
    four.add_incoming(INT64(0), before)
    at = _pointer(builder, offset(builder, rows, four, 4))
    _call(builder, "tileloadd64", _ROWS, at, stride)
    line = offset(builder, panel, four, 4 * LATENTS)
    for n, register in enumerate(_LATENTS):
        at = _pointer(builder, offset(builder, line, n, 4 * LANES))
        _call(builder, "tileloadd64", register, at, INT64(4 * LATENTS))
        _call(builder, "tdpbsud", n, _ROWS, register)
    following = builder.add(four, INT64(MATRIX_BYTES // 4))
    four.add_incoming(following, loop)
    builder.cbranch(builder.icmp_unsigned("<", following, fours), loop, after)
    builder.position_at_end(after)
    for n in range(VECTORS):
        at = _pointer(builder, offset(builder, out, n, 4 * LANES))
        _call(builder, "tilestored64", n, at, step)


@intrinsic
def scores_by_matrices(
    typing, rows, stride, panel, fours, start, scales, columns, bounds, out, step
):
    """As `integer_tiles.scores_of_tile`, of MATRIX_ROWS rows, between `begin` and `end`.

    The dimensions are a multiple of MATRIX_BYTES.
    """
    del rows, stride, panel, fours, start, scales, columns, bounds, out, step

    def generate(context, builder, signature, arguments):
        del signature
        rows, stride, panel, fours, start, scales, columns, bounds, out, step = arguments
        _write_sums(builder, rows, stride, panel, fours, out, step)
        with cgutils.for_range(builder, INT64(MATRIX_ROWS), intp=INT64) as row:
            first = splat(builder, load(builder, offset(builder, start, row.index, 4), INT32))
            line = builder.add(out, builder.mul(step, row.index))
            sums = [
                builder.add(first, load(builder, offset(builder, line, n, 4 * LANES), INTEGERS))
                for n in range(VECTORS)
            ]
            write_scores(builder, row.index, sums, scales, columns, bounds, MATRIX_ROWS, out, step)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 10), generate
