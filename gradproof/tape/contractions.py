"""Contractions on the tape: any einsum with explicit letters, its error, and the way back to each operand.

A parameter that meets a vector at every step of a loop gets an outer product back from each. They are kept, and added
up together at the end of the sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from gradproof.tape import elementwise
from gradproof.tape.arrays import Array, Node, Pull, Tape, Traced, number
from gradproof.tape.outer import Outer

Summation = Callable[..., Array]
"""An einsum with its subscripts, as a function of the arrays."""


@dataclass(frozen=True)
class Way:
    """The way back to one operand of a contraction.

    pull: of the result's adjoint and the other operands. adds: how many terms one entry of it adds up. full: the
    operand's shape, stretched where NumPy stretches an axis of length 1. stretch: None, or how to index what ``pull``
    returns where an axis is this operand's alone, so that its entries all get the same. outer: whether ``pull`` is the
    outer product of two vectors, and "turned" where the adjoint is the second.
    """

    pull: Summation
    adds: int
    full: tuple[int, ...]
    stretch: tuple[Any, ...] | None
    outer: bool
    turned: bool


@dataclass(frozen=True)
class Contraction:
    """What depends on the subscripts and shapes alone.

    adds: how many terms one entry adds up. roundings: what these cost it, and the products. smallest: the operand with
    the fewest entries.
    """

    forward: Summation
    adds: int
    roundings: int
    ways: tuple[Way, ...]
    smallest: int


@lru_cache(maxsize=4096)
def contraction(terms: tuple[str, ...], out: str, shapes: tuple[tuple[int, ...], ...]) -> Contraction:
    lengths: dict[str, int] = {}
    pairs = [pair for term, shape in zip(terms, shapes, strict=True) for pair in zip(term, shape, strict=True)]
    for letter, length in pairs:
        lengths[letter] = max(length, lengths.get(letter, length))
    plain_lengths = all(lengths[letter] == length for letter, length in pairs)

    def combined(result: str, letters: Sequence[str]) -> int:
        """How many terms one entry of ``result`` adds up."""
        return prod(lengths[letter] for letter in set("".join(letters)) - set(result))

    def way(k: int) -> Way:
        mine, letters = terms[k], (out, *(term for j, term in enumerate(terms) if j != k))
        kept = "".join(letter for letter in mine if letter in "".join(letters))
        full = tuple(lengths[letter] for letter in mine)
        stretch = tuple(slice(None) if letter in kept else None for letter in mine)
        turned = mine == "".join(reversed(letters))
        outer = plain_lengths and [len(term) for term in letters] == [1, 1] and (turned or mine == "".join(letters))
        return Way(
            summation(letters, kept, plain_lengths),
            combined(kept, letters),
            full,
            None if kept == mine else stretch,
            outer,
            turned,
        )

    return Contraction(
        summation(terms, out, plain_lengths),
        combined(out, terms),
        combined(out, terms) + len(terms) - 2,
        tuple(way(k) for k in range(len(terms))),
        min(range(len(terms)), key=lambda k: prod(shapes[k])),
    )


def summation(terms: tuple[str, ...], out: str, plain_lengths: bool) -> Summation:
    """einsum of ``terms`` -> ``out``; of vectors and matrices by the NumPy function that does it faster."""
    if plain_lengths and len(terms) == 2 and max(map(len, terms)) <= 2:
        (a, b), shared = terms, set(terms[0]) & set(terms[1])
        rest = ["".join(letter for letter in term if letter not in shared) for term in terms]
        if len(shared) == 1 and out == rest[0] + rest[1]:
            return dot(turned=(a[-1] not in shared, b[0] not in shared))
        if len(shared) == 1 and out == rest[1] + rest[0]:
            product = dot(turned=(a[-1] not in shared, b[0] not in shared))
            return lambda x, y: product(x, y).T
        if not shared and len(a) == len(b) == 1 and len(out) == 2:
            return (lambda x, y: x[:, None] * y) if out == a + b else (lambda x, y: x * y[:, None])
    subscripts = f"{','.join(terms)}->{out}"
    return lambda *arrays: np.asarray(np.einsum(subscripts, *arrays))


def dot(turned: tuple[bool, bool]) -> Summation:
    """Their product, with the matrices that are turned transposed first."""
    return {
        (False, False): lambda x, y: np.asarray(x.dot(y)),
        (True, False): lambda x, y: np.asarray(x.T.dot(y)),
        (False, True): lambda x, y: np.asarray(x.dot(y.T)),
        (True, True): lambda x, y: np.asarray(x.T.dot(y.T)),
    }[turned]


def contract(tape: Tape, terms: Sequence[str], out: str, nodes: Sequence[Node]) -> Traced:
    """einsum of ``nodes`` with subscripts ``terms`` -> ``out``; no letter twice in one term."""
    return contracted(tape, contraction(tuple(terms), out, tuple([n.value.shape for n in nodes])), nodes)


def contracted(tape: Tape, how: Contraction, nodes: Sequence[Node]) -> Traced:
    sizes = [n.size for n in nodes]
    f = how.smallest  # its errors take the roundings along: fewer products
    wrong = number(how.roundings) * sizes[f]
    if not nodes[f].exact:
        wrong = nodes[f].error + wrong
    error = how.forward(*with_one(sizes, f, wrong)) + tape.lost(how.adds)
    edges = []
    for k, node in enumerate(nodes):
        if k != f and not node.exact:
            error = error + how.forward(*with_one(sizes, k, node.error))
        if node.differentiable:
            edges.append((node, way_back(tape, how.ways[k], nodes, k)))
    return Traced(tape, tape.node(how.forward(*[n.value for n in nodes]), error, edges, roundings=how.roundings))


def with_one(sizes: Sequence[Array], k: int, array: Array) -> list[Array]:
    """``sizes`` with ``array`` in the place k."""
    exchanged = list(sizes)
    exchanged[k] = array
    return exchanged


def way_back(tape: Tape, way: Way, nodes: Sequence[Node], k: int) -> Pull:
    if way.outer and not nodes[k].edges:
        return keep_for(nodes[k], nodes[1 - k], way.turned)
    return pull_to(tape, way, nodes, k)


def keep_for(parameter: Node, other: Node, turned: bool) -> Pull:
    """The outer product, to be added up at the end of the sweep."""

    def keep(node: Node) -> None:
        parameter.outers.append(Outer(node.adjoint, node.bound, other, turned))

    return keep


def pull_to(tape: Tape, way: Way, nodes: Sequence[Node], k: int) -> Pull:
    """The adjoint and bound of operand k of a contraction."""
    parent, others = nodes[k], [n for j, n in enumerate(nodes) if j != k]

    def pull(node: Node) -> tuple[Array, Array]:
        adjoint = way.pull(node.adjoint, *(n.value for n in others))
        roundings, size = number(way.adds + len(others) - 1), np.abs(node.adjoint)
        sizes = [n.size for n in others]
        if all(n.exact for n in others):
            bound = way.pull(node.bound + roundings * size, *sizes)
        else:
            inflated = [n.size if n.exact else n.size + tape.u * n.error for n in others]
            bound = way.pull(node.bound, *inflated)
            bound = bound + way.pull(size, others[0].error + roundings * sizes[0], *sizes[1:])
            for p in range(1, len(others)):
                if not others[p].exact:
                    bound = bound + way.pull(size, *inflated[:p], others[p].error, *sizes[p + 1 :])
        bound = bound + tape.lost(way.adds)
        if way.stretch is not None:
            adjoint, bound = adjoint[way.stretch], bound[way.stretch]
        if adjoint.shape != way.full:
            adjoint, bound = (np.broadcast_to(a, way.full) for a in (adjoint, bound))
        return elementwise.summed(adjoint, bound, parent.value.shape)

    return pull
