"""Contractions, reductions, selections and rearrangements on the tape."""

from __future__ import annotations

import operator
import string
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from gradproof.duck import plain, refuse, spelled
from gradproof.tape import elementwise
from gradproof.tape.arrays import OPERATIONS, Array, Edge, Node, Tape, Traced, Working
from gradproof.tape.contractions import Contraction, contract, contracted, contraction

# Contractions: everything is an einsum with explicit letters -------------------------------------------------------


def matmul(tape: Tape, a: Any, b: Any) -> Traced:
    x, y = tape.lift(a), tape.lift(b)
    if not x.value.ndim or not y.value.ndim:
        raise ValueError("matmul: an operand is 0-d, use * instead")
    return contracted(tape, product(x.value.shape, y.value.shape), [x, y])


@lru_cache(maxsize=4096)
def product(left: tuple[int, ...], right: tuple[int, ...]) -> Contraction:
    """np.matmul of arrays of these shapes."""
    np.matmul(np.empty(left, bool), np.empty(right, bool))  # NumPy's own error for shapes that do not fit
    batch = string.ascii_lowercase[: max(len(left), len(right), 2) - 2]
    first = batch[len(batch) - max(len(left) - 2, 0) :] + ("N" if len(left) > 1 else "") + "K"
    second = batch[len(batch) - max(len(right) - 2, 0) :] + "K" + ("M" if len(right) > 1 else "")
    out = batch + ("N" if len(left) > 1 else "") + ("M" if len(right) > 1 else "")
    return contraction((first, second), out, (left, right))


def einsum(tape: Tape, *args: Any, optimize: Any = False) -> Any:
    terms, out, operands = explicit(args)
    for k, term in enumerate(terms):
        if len(set(term)) < len(term):  # a diagonal, 'ii->i': take it out first
            terms[k] = "".join(dict.fromkeys(term))
            operands[k] = rearrange(tape, lambda a, t=term, k=k: np.einsum(f"{t}->{terms[k]}", a), (operands[k],), {})
    return contract(tape, terms, out, [tape.lift(x) for x in operands])


def explicit(args: tuple[Any, ...]) -> tuple[list[str], str, list[Any]]:
    """Subscripts of np.einsum in any of its spellings -> (a term per operand, the output's term, the operands)."""
    if isinstance(args[0], str):
        left, arrow, out = args[0].replace(" ", "").partition("->")
        terms, operands = left.split(","), list(args[1:])
    else:
        operands, lists = list(args[0 : len(args) // 2 * 2 : 2]), args[1::2]
        terms = [lettered(ks) for ks in lists]
        arrow = "->" if len(args) % 2 else ""
        out = lettered(args[-1]) if arrow else ""
    spare = [c for c in string.ascii_letters if c not in "".join(terms)]
    extra = [np.ndim(x) - len(t) + 3 if "..." in t else 0 for t, x in zip(terms, operands, strict=True)]
    dots = "".join(spare[: max(extra, default=0)])
    if not arrow:
        letters = "".join(terms).replace(".", "")
        out = ("..." if dots else "") + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    expanded = [t.replace("...", dots[len(dots) - n :]) for t, n in zip(terms, extra, strict=True)]
    return expanded, out.replace("...", dots), operands


def lettered(numbers: Sequence[Any]) -> str:
    """Subscripts given as numbers, in the letters NumPy itself takes for them (which decide their implicit order)."""
    letters = string.ascii_uppercase + string.ascii_lowercase
    return "".join("..." if k is Ellipsis else letters[k] for k in numbers)


# Reductions and selections ----------------------------------------------------------------------------------------


def total(
    tape: Tape,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = 0,
) -> Traced:
    """np.sum: n terms in any order cost n - 1 roundings of their sizes."""
    x = tape.lift(a)
    axes = reduced(x, axis)
    value = np.asarray(x.value.sum(axis=axes, keepdims=keepdims))
    terms = x.value.size // max(1, value.size)
    error = np.asarray((x.error + (terms - 1) * np.abs(x.value)).sum(axis=axes, keepdims=keepdims))

    def pull(node: Node) -> tuple[Array, Array]:
        return spread(node.adjoint, x, axes, keepdims), spread(node.bound, x, axes, keepdims)

    result = Traced(tape, tape.node(value, error, [(x, pull)], roundings=terms))
    return result if isinstance(initial, int) and initial == 0 else result + initial


def reduced(x: Node, axis: Any) -> Any:
    """The axes a reduction takes together; NumPy lets axis=0 and axis=-1 pass on a 0-d array."""
    return tuple(range(x.value.ndim)) if axis is None or not x.value.ndim else axis


def spread(array: Array, x: Node, axes: Any, keepdims: bool) -> Array:
    """Undo a reduction's loss of axes: the same entry for all that were taken together."""
    return np.broadcast_to(array if keepdims else np.expand_dims(array, axes), x.value.shape)


def extreme(tape: Tape, a: Any, axis: Any, keepdims: bool, sign: int, name: str) -> Traced:
    """np.max (sign 1) or np.min (sign -1): one entry gets the gradient; which, among equal ones, is ``tape.side``'s."""
    x = tape.lift(a)
    axes = reduced(x, axis)
    best = np.max(sign * x.value, axis=axes, keepdims=True)
    gap = best - sign * x.value
    near = gap <= tape.u * (x.error + np.max(x.error, axis=axes, keepdims=True))
    if x.differentiable and np.any(near.sum(axis=axes) > 1):
        tape.kinks.append(name)
    order = np.arange(1, x.value.size + 1).reshape(x.value.shape) * near
    # Where np.max takes the first of equal entries np.min takes the last: np.ptp has a kink where all are equal.
    order = np.where(near, -order if tape.side * sign > 0 else order, -x.value.size - 1)
    chosen = order == np.max(order, axis=axes, keepdims=True)
    value = np.asarray(sign * (best if keepdims else np.squeeze(best, axis=axes)))
    error = np.asarray(np.max(x.error * near, axis=axes, keepdims=keepdims))

    def pull(node: Node) -> tuple[Array, Array]:
        return spread(node.adjoint, x, axes, keepdims) * chosen, spread(node.bound, x, axes, keepdims) * chosen

    return Traced(tape, tape.node(value, error, [(x, pull)]))


def maximum(tape: Tape, a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Traced:
    return extreme(tape, a, axis, keepdims, 1, "np.max")


def minimum(tape: Tape, a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Traced:
    return extreme(tape, a, axis, keepdims, -1, "np.min")


def where(tape: Tape, condition: Any, a: Any, b: Any) -> Traced:
    first = np.asarray(condition != 0 if isinstance(condition, Traced) else condition, bool)
    x, y = tape.lift(a), tape.lift(b)
    return Traced(tape, elementwise.select(tape, first, x, y, np.where(first, x.value, y.value)))


# Rearrangements: the operation is run on positions instead of values ------------------------------------------------


def rearrange(tape: Tape, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Any function that moves entries about without computing (reshape, fancy indexing, stack, repeat, pad with zeros).

    It is applied to arrays of positions, counted from 1 through all operands; position 0 is a zero that it filled in.
    """
    if function in SINGLE and len(args) > 1:
        refuse(f"{spelled(function)} of several arrays", "call it once for each")
    kwargs = {key: value for key, value in kwargs.items() if key not in ("dtype", "casting")}  # positions are integers
    several = isinstance(args[0], list | tuple)
    nodes = [tape.lift(x) for x in args[0]] if several else [tape.lift(args[0])]
    if not several and not nodes[0].differentiable:
        return rearranged_constant(tape, nodes[0], function, [plain(a) for a in args[1:]], kwargs)
    starts = np.cumsum([1, *(n.value.size for n in nodes)])
    places = [start + np.arange(n.value.size).reshape(n.value.shape) for start, n in zip(starts, nodes, strict=False)]
    moved = function(places if several else places[0], *(plain(a) for a in args[1:]), **kwargs)
    if isinstance(moved, list | tuple):  # np.split
        return [gather(tape, nodes, starts, np.asarray(part)) for part in moved]
    return gather(tape, nodes, starts, np.asarray(moved))


def rearranged_constant(tape: Tape, node: Node, function: Any, rest: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The same for what no adjoint comes back to."""
    value = function(node.value, *rest, **kwargs)
    error = None if node.exact else function(node.error, *rest, **kwargs)
    if isinstance(value, list | tuple):
        errors = [None] * len(value) if error is None else error
        return [Traced(tape, tape.node(np.asarray(v), e)) for v, e in zip(value, errors, strict=True)]
    return Traced(tape, tape.node(np.asarray(value), None if error is None else np.asarray(error)))


def gather(tape: Tape, nodes: Sequence[Node], starts: Array, place: Array) -> Traced:
    flat = np.concatenate([np.zeros(1, Working), *(n.value.ravel() for n in nodes)])
    errors = np.concatenate([np.zeros(1, Working), *(np.ravel(n.error) for n in nodes)])

    def edge(k: int) -> Edge:
        parent, first, last = nodes[k], starts[k], starts[k + 1]

        def pull(node: Node) -> tuple[Array, Array]:
            mine = (place >= first) & (place < last)
            return scatter(tape, node.adjoint[mine], node.bound[mine], place[mine] - first, parent.value.shape)

        return parent, pull

    return Traced(tape, tape.node(flat[place], errors[place], [edge(k) for k in range(len(nodes))]))


def scatter(tape: Tape, adjoint: Array, bound: Array, place: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Add entries up at their places; a place met k times costs k - 1 roundings."""
    size = prod(shape)
    sums, bounds = np.zeros(size, Working), np.zeros(size, Working)
    times = np.bincount(place, minlength=size)
    if times.max(initial=0) <= 1:
        sums[place], bounds[place] = adjoint, bound
    else:
        np.add.at(sums, place, adjoint)
        np.add.at(bounds, place, bound + (times[place] - 1) * np.abs(adjoint))
    return sums.reshape(shape), bounds.reshape(shape)


def pad(tape: Tape, array: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0) -> Traced:
    """np.pad in the modes that only copy entries, or fill in one constant."""
    if mode not in ("constant", "edge", "reflect", "symmetric", "wrap") or np.ndim(constant_values):
        refuse(f"np.pad(mode={mode!r}, constant_values={constant_values!r})", "pad with np.concatenate")
    padded = rearrange(tape, np.pad, (array, pad_width), {"mode": mode})
    if mode != "constant":
        return padded
    inside = np.pad(np.ones(np.shape(array), bool), pad_width)
    return where(tape, inside, padded, constant_values)


SINGLE = {np.atleast_1d, np.atleast_2d}
"""Rearrangements that NumPy would also let loose on several arrays at once."""

REARRANGEMENTS = {
    np.reshape, np.transpose, np.ravel, np.squeeze, np.expand_dims, np.swapaxes, np.moveaxis, np.broadcast_to,
    np.repeat, np.tile, np.roll, np.flip, np.fliplr, np.flipud, np.rot90, np.take, np.take_along_axis, np.diagonal,
    np.diag, np.tril, np.triu, np.atleast_1d, np.atleast_2d, np.copy,
    np.concatenate, np.stack, np.vstack, np.hstack, np.column_stack, np.dstack, np.split, np.array_split,
}  # fmt: skip


def rearrangement(function: Any) -> Callable[..., Any]:
    return lambda tape, *args, **kwargs: rearrange(tape, function, args, kwargs)


def item(tape: Tape, x: Any, key: Any) -> Any:
    node = tape.lift(x)
    if not node.differentiable:
        return rearranged_constant(tape, node, operator.getitem, [key], {})
    return rearrange(tape, lambda places: places[key], (x,), {})


OPERATIONS |= {function: rearrangement(function) for function in REARRANGEMENTS}
OPERATIONS |= {
    operator.getitem: item,
    np.matmul: matmul,
    np.sum: total,
    np.max: maximum,
    np.amax: maximum,
    np.min: minimum,
    np.amin: minimum,
    np.where: where,
    np.einsum: einsum,
    np.pad: pad,
}
