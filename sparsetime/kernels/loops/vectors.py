"""LLVM instructions of vectors of 16 numbers of 32 bits, at addresses, for numba intrinsics."""

from __future__ import annotations

from llvmlite import ir

LANES = 16
INT32, INT64, FLOAT = ir.IntType(32), ir.IntType(64), ir.FloatType()
INTEGERS, FLOATS = ir.VectorType(INT32, LANES), ir.VectorType(FLOAT, LANES)


def load(builder, address, kind):
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=4)


def store(builder, value, address):
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=4)


def splat(builder, number):
    """A vector of one number."""
    nothing = ir.Constant(ir.VectorType(number.type, LANES), ir.Undefined)
    zeros = ir.Constant(ir.VectorType(INT32, LANES), [0] * LANES)
    first = builder.insert_element(nothing, number, INT32(0))
    return builder.shuffle_vector(first, nothing, zeros)


def offset(builder, address, number, size):
    """The address of an element: a constant number, or one of the program."""
    number = INT64(number) if isinstance(number, int) else number
    return builder.add(address, builder.mul(number, INT64(size)))


def bits(builder, masks):
    """One 64-bit integer of four vectors of 16 bits, the first lowest."""
    whole = INT64(0)
    for number, mask in enumerate(masks):
        word = builder.zext(builder.bitcast(mask, ir.IntType(LANES)), INT64)
        whole = builder.or_(whole, builder.shl(word, INT64(number * LANES)))
    return whole
