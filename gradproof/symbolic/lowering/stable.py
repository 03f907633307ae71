"""The same formula in forms that neither overflow nor cancel where exponentials are large: softmax, softplus, log1p."""

from __future__ import annotations

from typing import Any

import sympy as sp

from gradproof.symbolic.functions import sigmoid
from gradproof.symbolic.indices import Index


class softmax(sp.Function):  # type: ignore[misc]  # noqa: N801 (spelt as SymPy spells functions: tanh, log)
    """softmax(z, i, k): exp(z) over the sum over k of the same with k for i."""


class logsumexp(sp.Function):  # type: ignore[misc]  # noqa: N801
    """logsumexp(z, k): the logarithm of the sum over k of exp(z)."""


class softplus(sp.Function):  # type: ignore[misc]  # noqa: N801
    """log(1 + exp(z))."""


class log1p(sp.Function):  # type: ignore[misc]  # noqa: N801
    """log(1 + z)."""


def stable(expr: sp.Expr) -> sp.Expr:
    """An equal expression that can be evaluated at saturated points."""
    if expr.has(sp.exp, sp.log, sigmoid):
        expr = expr.replace(lambda e: isinstance(e, sp.Add | sp.Mul | sp.log), _rewritten)
        expr = expr.replace(lambda e: isinstance(e, sp.Pow), _normalised)  # those that were no factor of a product
    return expr


def _rewritten(e: sp.Expr) -> sp.Expr:
    if isinstance(e, sp.Add):
        return _complement(e)
    return _logarithm(e.args[0]) if isinstance(e, sp.log) else _normalised(e)


def _complement(e: sp.Add) -> sp.Expr:
    """1 - sigmoid(z) is sigmoid(-z), which does not cancel."""
    number, rest = e.as_coeff_Add()
    if number == 1 and isinstance(-rest, sigmoid):
        return sigmoid(-(-rest).args[0])
    if number == -1 and isinstance(rest, sigmoid):
        return -sigmoid(-rest.args[0])
    return e


def _logarithm(z: sp.Expr) -> sp.Expr:
    if isinstance(z, sigmoid):
        return -softplus(-z.args[0])
    if isinstance(z, softmax):
        of_one, i, k = z.args
        return of_one - logsumexp(of_one.xreplace({i: k}), k)
    if _is_partition(z):
        return logsumexp(z.function.args[0], z.limits[0][0])
    number, rest = z.as_coeff_Add()
    if number == 1:
        return softplus(rest.args[0]) if isinstance(rest, sp.exp) else log1p(rest)
    return sp.log(z)


def _normalised(e: sp.Expr) -> sp.Expr:
    """Exponentials divided by their sum, or by one plus another, without the division."""
    exponents, partitions, others = [], [], []
    for factor in sp.Mul.make_args(e):
        base, power = factor.as_base_exp() if isinstance(factor, sp.Pow) else (factor, sp.S.One)
        if isinstance(factor, sp.exp):
            exponents.append(factor.args[0])
        elif _is_partition(base) and power.is_Integer and power < 0:
            partitions += [base] * int(-power)
        elif power.is_Integer and power < 0 and isinstance(base - 1, sp.exp):
            others.append(sigmoid(-(base - 1).args[0]) ** -power)
        else:
            others.append(factor)
    if not partitions:
        return sp.Mul(*others, *[sp.exp(z) for z in exponents])
    left = sp.S.Zero
    for partition in partitions:
        z, k = partition.function.args[0], partition.limits[0][0]
        for exponent in exponents:
            if (i := _instance(exponent, z, k)) is not None:
                exponents.remove(exponent)
                others.append(softmax(exponent, i, k))
                break
        else:
            left -= logsumexp(z, k)
    left += sp.Add(*exponents)
    return sp.Mul(*others, sp.exp(left))


def _is_partition(e: Any) -> bool:
    """A sum of exponentials over one index."""
    return (
        isinstance(e, sp.Sum)
        and len(e.limits) == 1
        and isinstance(e.function, sp.exp)
        and bool(e.function.has(e.limits[0][0]))
    )


def _instance(exponent: sp.Expr, z: sp.Expr, k: Index) -> Index | None:
    """The index that stands in ``exponent`` where k stands in z, of the same range."""
    i: Index
    for i in exponent.atoms(Index):
        if (i.lower, i.upper) == (k.lower, k.upper) and z.xreplace({k: i}) == exponent:
            return i
    return None
