"""What ``compiled_loops`` are made of: products of matrices, and functions, in the form in which LLVM vectorises them.

``real`` is the type of the numbers, np.float32 or np.float64: with it a constant is of their type, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any

TILE = 4
"""Rows, and terms of a sum, that a product takes together."""

CHUNK = 64
"""Terms of a sum whose rows stay in the cache while all rows of the result pass by."""


def dots(out: Array, to: int, a: Array, first: int, rows: int, b: Array) -> None:
    """out[to + r, i] = sum over j of a[first + r, j] b[i, j]; b has whole tiles of rows."""
    width, zero = b.shape[1], out.dtype.type(0)
    r = 0
    while r + TILE <= rows:
        p = first + r
        for i in range(0, b.shape[0], TILE):
            z00 = z01 = z02 = z03 = z10 = z11 = z12 = z13 = zero
            z20 = z21 = z22 = z23 = z30 = z31 = z32 = z33 = zero
            for j in range(width):
                a0, a1, a2, a3 = a[p, j], a[p + 1, j], a[p + 2, j], a[p + 3, j]
                b0, b1, b2, b3 = b[i, j], b[i + 1, j], b[i + 2, j], b[i + 3, j]
                z00, z01, z02, z03 = z00 + a0 * b0, z01 + a0 * b1, z02 + a0 * b2, z03 + a0 * b3
                z10, z11, z12, z13 = z10 + a1 * b0, z11 + a1 * b1, z12 + a1 * b2, z13 + a1 * b3
                z20, z21, z22, z23 = z20 + a2 * b0, z21 + a2 * b1, z22 + a2 * b2, z23 + a2 * b3
                z30, z31, z32, z33 = z30 + a3 * b0, z31 + a3 * b1, z32 + a3 * b2, z33 + a3 * b3
            o = to + r
            out[o, i], out[o, i + 1], out[o, i + 2], out[o, i + 3] = z00, z01, z02, z03
            out[o + 1, i], out[o + 1, i + 1], out[o + 1, i + 2], out[o + 1, i + 3] = z10, z11, z12, z13
            out[o + 2, i], out[o + 2, i + 1], out[o + 2, i + 2], out[o + 2, i + 3] = z20, z21, z22, z23
            out[o + 3, i], out[o + 3, i + 1], out[o + 3, i + 2], out[o + 3, i + 3] = z30, z31, z32, z33
        r += TILE
    for q in range(r, rows):
        for i in range(0, b.shape[0], TILE):
            z0 = z1 = z2 = z3 = zero
            for j in range(width):
                aj = a[first + q, j]
                z0, z1, z2, z3 = z0 + aj * b[i, j], z1 + aj * b[i + 1, j], z2 + aj * b[i + 2, j], z3 + aj * b[i + 3, j]
            out[to + q, i], out[to + q, i + 1], out[to + q, i + 2], out[to + q, i + 3] = z0, z1, z2, z3


def add_products(out: Array, to: int, a: Array, first: int, rows: int, b: Array, begin: int, end: int) -> None:
    """out[to + r] += sum over k from begin to end, which are whole tiles apart, of a[first + r, k] b[k]."""
    width = out.shape[1]
    for chunk in range(begin, end, CHUNK):
        r = 0
        while r + TILE <= rows:
            o, p = to + r, first + r
            for k in range(chunk, min(chunk + CHUNK, end), TILE):
                a00, a01, a02, a03 = a[p, k], a[p, k + 1], a[p, k + 2], a[p, k + 3]
                a10, a11, a12, a13 = a[p + 1, k], a[p + 1, k + 1], a[p + 1, k + 2], a[p + 1, k + 3]
                a20, a21, a22, a23 = a[p + 2, k], a[p + 2, k + 1], a[p + 2, k + 2], a[p + 2, k + 3]
                a30, a31, a32, a33 = a[p + 3, k], a[p + 3, k + 1], a[p + 3, k + 2], a[p + 3, k + 3]
                for j in range(width):
                    b0, b1, b2, b3 = b[k, j], b[k + 1, j], b[k + 2, j], b[k + 3, j]
                    out[o, j] += a00 * b0 + a01 * b1 + a02 * b2 + a03 * b3
                    out[o + 1, j] += a10 * b0 + a11 * b1 + a12 * b2 + a13 * b3
                    out[o + 2, j] += a20 * b0 + a21 * b1 + a22 * b2 + a23 * b3
                    out[o + 3, j] += a30 * b0 + a31 * b1 + a32 * b2 + a33 * b3
            r += TILE
        for q in range(r, rows):
            o, p, k = to + q, first + q, chunk
            while k + 2 * TILE <= min(chunk + CHUNK, end):  # half as often through the row of the result
                a0, a1, a2, a3 = a[p, k], a[p, k + 1], a[p, k + 2], a[p, k + 3]
                a4, a5, a6, a7 = a[p, k + 4], a[p, k + 5], a[p, k + 6], a[p, k + 7]
                for j in range(width):
                    some = a0 * b[k, j] + a1 * b[k + 1, j] + a2 * b[k + 2, j] + a3 * b[k + 3, j]
                    others = a4 * b[k + 4, j] + a5 * b[k + 5, j] + a6 * b[k + 6, j] + a7 * b[k + 7, j]
                    out[o, j] += some + others
                k += 2 * TILE
            if k < min(chunk + CHUNK, end):
                a0, a1, a2, a3 = a[p, k], a[p, k + 1], a[p, k + 2], a[p, k + 3]
                for j in range(width):
                    out[o, j] += a0 * b[k, j] + a1 * b[k + 1, j] + a2 * b[k + 2, j] + a3 * b[k + 3, j]


PRODUCTS = (dots, add_products)


# Functions, with an error of a few units in the last place ----------------------------------------------------------


def activate(z: Array, first: int, end: int, sigmoid: int) -> None:
    """phi of the rows from first to end, in their place."""
    real = z.dtype.type
    for r in range(first, end):
        if sigmoid:
            for j in range(z.shape[1]):
                z[r, j] = sigmoid_of(z[r, j], real)
        else:
            for j in range(z.shape[1]):
                z[r, j] = tanh_of(z[r, j], real)


def times_slopes(delta: Array, h: Array, first: int, end: int, sigmoid: int) -> None:
    """delta *= phi' in the rows from first to end, where h is phi.

    Numbers too small to be normal become zero: a product of such takes a hundred times as long.
    """
    zero, one, tiny = h.dtype.type(0), h.dtype.type(1), np.finfo(h.dtype).tiny
    for r in range(first, end):
        if sigmoid:
            for j in range(h.shape[1]):
                value = h[r, j] * (one - h[r, j]) * delta[r, j]
                delta[r, j] = zero if abs(value) < tiny else value
        else:
            for j in range(h.shape[1]):
                value = (one - h[r, j] * h[r, j]) * delta[r, j]
                delta[r, j] = zero if abs(value) < tiny else value


def sigmoid_of(z: Any, real: Any) -> Any:
    """1 / (1 + exp(-z)), relatively accurate on both sides."""
    e = exp_of_negative(abs(z), real)
    return (e if z < 0 else real(1)) / (real(1) + e)


def tanh_of(z: Any, real: Any) -> Any:
    """tanh through expm1(2|z|), which keeps all digits near 0."""
    a = abs(z)
    a = real(22) if a > 22 else a  # the result is 1 from here on; a NaN stays
    k, rest = reduced(a + a, real)
    scale = power_of_two(k, real)
    u = scale * rest + (scale - real(1))
    h = u / (u + real(2))
    return -h if z < 0 else h


def exp_of_negative(a: Any, real: Any) -> Any:
    """exp(-a) for a >= 0; zero where that would no longer be a normal number."""
    limit = real(87 if is_single(real) else 708)
    k, rest = reduced(-(limit if a > limit else a), real)  # noqa: FURB136 - min(a, limit) may lose a NaN
    scale = power_of_two(k, real)
    return real(0) if a > limit else scale * rest + scale


def reduced(v: Any, real: Any) -> tuple[Any, Any]:
    """k and expm1(r), where v = k ln 2 + r, k is whole and |r| at most half of ln 2."""
    # What is added to the shift is rounded to a whole; k times the first part of ln 2, which has few bits, is exact.
    shift = real(1.5 * 2.0**23 if is_single(real) else 1.5 * 2.0**52)
    most = real(0.693359375 if is_single(real) else 0.6931471803691238)
    least = real(-2.12194440054690583e-4 if is_single(real) else 1.9082149292705877e-10)
    k = (v * real(1.4426950408889634) + shift) - shift
    r = (v - k * most) - k * least
    # The Taylor series, to the power where what follows is lost in rounding: even and odd terms are two short chains.
    w = r * r
    if is_single(real):
        even = real(1 / 2) + w * (real(1 / 24) + w * real(1 / 720))
        odd = real(1 / 6) + w * (real(1 / 120) + w * real(1 / 5040))
    else:
        even = real(1 / 40320) + w * (real(1 / 3628800) + w * real(1 / 479001600))
        even = real(1 / 2) + w * (real(1 / 24) + w * (real(1 / 720) + w * even))
        odd = real(1 / 362880) + w * (real(1 / 39916800) + w * real(1 / 6227020800))
        odd = real(1 / 6) + w * (real(1 / 120) + w * (real(1 / 5040) + w * odd))
    return k, r + w * (even + r * odd)


def power_of_two(k: Any, real: Any) -> Any:
    """2**k for whole k in the range of the normal numbers: k and the bias, in the place of the exponent."""
    if is_single(real):
        bits = np.float32(k + real(1.5 * 2.0**23 + 127)).view(np.int32)
        return real(np.int32(bits << 23).view(np.float32))
    bits = np.float64(k + real(1.5 * 2.0**52 + 1023)).view(np.int64)
    return real(np.int64(bits << 52).view(np.float64))


def is_single(real: Any) -> bool:
    return bool(real(1e-300) == 0)
