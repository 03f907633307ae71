"""Products of arrays, of every rank that NumPy multiplies."""

from __future__ import annotations

import string

import numpy as np

from tests.fuzz.scope import NoOperand, Scope


def matmul(s: Scope) -> str:
    x = s.array(1)
    if len(s.shape(x)) > 1 and s.flag():
        other = f"np.swapaxes({x}, -1, -2)"
        return s.pick([f"{x} @ {other}", f"{other} @ {x}"])
    y = s.partner(x, np.matmul)
    return s.pick([f"{x} @ {y}", f"np.matmul({x}, {y})"])


def dot(s: Scope) -> str:
    x = s.array()
    return f"np.dot({x}, {s.partner(x, np.dot)})"


def inner(s: Scope) -> str:
    x = s.array()
    return f"np.inner({x}, {s.partner(x, np.inner)})"


def vdot(s: Scope) -> str:
    x = s.array()
    return f"np.vdot({x}, {s.partner(x, np.vdot)})"


def outer(s: Scope) -> str:
    return f"np.outer({s.array()}, {s.array()})"


def tensordot(s: Scope) -> str:
    """Over a number of axes, or over pairs of axes of one length."""
    x, y = s.array(), s.array()
    pairs = [(i, j) for i, n in enumerate(s.shape(x)) for j, m in enumerate(s.shape(y)) if n == m]
    if not pairs or s.flag():
        return f"np.tensordot({x}, {y}, axes={s.pick([0, 1, 2])})"
    i, j = s.pick(pairs)
    return f"np.tensordot({x}, {y}, axes=([{i}], [{j}]))"


def einsum(s: Scope) -> str:
    """One to three operands, each axis with a letter that others may share, in the spellings of np.einsum."""
    names = [s.array() for _ in range(s.integer(1, 3))]
    lengths: dict[str, int] = {}
    terms = ["".join(letter(s, lengths, n) for n in s.shape(name)) for name in names]
    used = sorted(set("".join(terms)))
    out = "".join(used[k] for k in s.permutation(len(used))[: s.integer(0, min(3, len(used)))])
    operands = ", ".join(names)
    if s.flag():
        return f'np.einsum("{",".join(terms)}->{out}", {operands})'
    if s.flag():
        return f'np.einsum("{", ".join(terms)}", {operands})'
    if s.flag():
        lists = ", ".join(f"{name}, {[used.index(c) for c in term]}" for name, term in zip(names, terms, strict=True))
        return f"np.einsum({lists}, {[used.index(c) for c in out]})"
    return f'np.einsum("{ellipsis(s, terms)}", {operands})'


def letter(s: Scope, lengths: dict[str, int], length: int) -> str:
    """A letter for an axis: one that has this length, or length 1 for np.einsum to stretch, or a new one."""
    known = [c for c, n in lengths.items() if 1 in (n, length) or n == length]
    new = next(c for c in string.ascii_lowercase if c not in lengths)
    chosen = s.pick([*known, new])
    lengths[chosen] = max(length, lengths.get(chosen, 1))
    return chosen


def ellipsis(s: Scope, terms: list[str]) -> str:
    """The first axis of some operands left to the dots, which stay in the output."""
    if not any(terms):
        raise NoOperand
    dotted = [f"...{term[1:]}" if term and s.flag() else term for term in terms]
    if not any("..." in term for term in dotted):
        dotted = [f"...{term[1:]}" if term else term for term in terms]
    kept = sorted(set("".join(dotted).replace(".", "")))
    out = "..." + "".join(kept[: s.integer(0, min(2, len(kept)))])
    return ",".join(dotted) + (f"->{out}" if s.flag() else "")


RULES = {
    np.matmul: matmul,
    np.dot: dot,
    np.inner: inner,
    np.vdot: vdot,
    np.outer: outer,
    np.tensordot: tensordot,
    np.einsum: einsum,
}
