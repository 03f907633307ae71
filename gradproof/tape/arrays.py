"""Recording a loss on the tape, and the backward sweep that carries the adjoint and its error bound together."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np

from gradproof import composites
from gradproof.duck import DuckArray, check_arguments, plain, refuse, spelled
from gradproof.tape.outer import Outer, added_up

Array = np.ndarray

Working = np.longdouble
"""The precision the tape computes in."""

ELEMENTARY = 8.0
"""Error allowed to one elementary function (exp, tanh, ...), in units of u: 4 ulp, NumPy's promise."""


def number(value: Any) -> Array:
    """A number in Working, without axes: of a Python number NumPy makes one at each use, in half a microsecond."""
    return without_axes(value, Working)


@cache
def without_axes(value: Any, dtype: Any) -> Array:
    return np.asarray(value, dtype)


class Tape:
    """One evaluation of a loss.

    dtype: the dtype under test, whose unit roundoff u the errors count in. side: +1 or -1, which one-sided derivative
    is taken where the loss has a kink exactly at the point. After the loss has run, ``kinks`` names the operations that
    met one.
    """

    def __init__(self, dtype: Any = np.float64, side: int = 1) -> None:
        self.dtype = np.dtype(dtype)
        self.side = side
        self.u = number(np.finfo(self.dtype).eps / 2)
        # A result below the smallest normal number loses up to that much, whatever its size: in units of u.
        self.underflow = np.asarray(number(np.finfo(self.dtype).tiny) / self.u)
        self._lost = {1: self.underflow}
        self.nodes: list[Node] = []
        self.kinks: list[str] = []
        self.operations = 0

    # Putting values on the tape -----------------------------------------------------------------------------------

    def parameter(self, value: Array) -> Traced:
        return Traced(self, self.node(np.asarray(value, Working), None, differentiable=True))

    def constant(self, value: Any) -> Traced:
        """Data as drawn: exact in the dtype under test."""
        return Traced(self, self.node(np.asarray(value, Working), None))

    def lift(self, x: Any) -> Node:
        """The node of whatever an operation received: traced, or a constant written in the loss.

        A constant that float32 cannot hold may itself have been rounded, by u of its size.
        """
        if isinstance(x, Traced):
            return x.node
        value = np.asarray(x)
        if value.dtype.kind not in "fiub":
            refuse(f"a value of type {type(x).__name__} in an arithmetic operation", "use real numbers and arrays")
        rounded = value.dtype.kind == "f" and not np.array_equal(value, value.astype(np.float32))
        value = np.asarray(value, Working)
        return self.node(value, np.abs(value) if rounded else None)

    def node(
        self,
        value: Array,
        error: Array | None,
        edges: Iterable[Edge] = (),
        differentiable: bool = False,
        roundings: int = 1,
    ) -> Node:
        self.operations += roundings
        node = Node(value, error, [edge for edge in edges if edge[0].differentiable])
        node.differentiable = differentiable or bool(node.edges)
        self.nodes.append(node)
        return node

    def rounding(self, value: Array, units: float = 1.0) -> Array:
        """What rounding a result of this size may cost, in units of u."""
        size = np.abs(value)
        return (size if units == 1 else number(units) * size) + self.underflow

    def lost(self, results: int) -> Array:
        """What so many results may lose by underflow, in units of u."""
        if results not in self._lost:
            self._lost[results] = np.asarray(number(results) * self.underflow)
        return self._lost[results]

    # The backward sweep -------------------------------------------------------------------------------------------

    def backward(self, output: Node, seed: Array) -> None:
        """Fill ``adjoint`` and ``bound`` of every node that ``output`` depends on."""
        output.adjoint, output.bound = seed, np.zeros(seed.shape, Working)
        with np.errstate(all="ignore"):
            for node in reversed(self.nodes):
                if node.adjoint is None:
                    continue
                for parent, pull in node.edges:
                    pulled = pull(node)
                    if pulled is not None:
                        parent.receive(*pulled)
            for node in [node for node in self.nodes if node.outers]:
                self.add_up(node)

    def add_up(self, node: Node) -> None:
        """Give a parameter the outer products that were kept for it."""
        for turned in (False, True):
            outers = [outer for outer in node.outers if outer.turned == turned]
            if outers:
                node.receive(*added_up(self, outers))
        node.outers = []

    def forget(self) -> None:
        """Let go of the nodes: they hold the tape and one another, and would wait for the garbage collector."""
        for node in self.nodes:
            node.inverted.clear()
        self.nodes = []

    def overflows(self) -> bool:
        """Whether a value or adjoint leaves the range of the dtype under test: correct code may then be non-finite."""
        arrays = [a for node in self.nodes for a in (node.value, node.adjoint) if a is not None]
        return not (np.abs(np.concatenate(arrays, axis=None)) <= number(np.finfo(self.dtype).max)).all()


Pull = Callable[["Node"], "tuple[Array, Array] | None"]
"""Returns adjoint and bound of a parent; None where it kept what it has for later."""

Edge = tuple["Node", Pull]


class Node:
    """A value on the tape.

    value: long double. error: bound on the rounding error of the value, in units of u. exact: whether it is known to be
    zero. adjoint, bound: of the backward sweep, None until reached. edges: parents, each with the function that pulls
    the adjoint and its bound back. received: the adjoints that came back, one from each later result. inverted: later
    results from which a program may work the value out again, each with the slope in between. outers: what is to be
    added up at the end of the sweep.
    """

    __slots__ = (
        "_own", "_size", "adjoint", "bound", "differentiable", "edges", "error", "exact", "inverted", "outers",
        "received", "value",
    )  # fmt: skip

    def __init__(self, value: Array, error: Array | None, edges: list[Edge]) -> None:
        self.value = value
        self.exact = error is None
        self.error: Any = np.zeros(value.shape, Working) if error is None else error
        self.edges = edges
        self.differentiable = False
        self.adjoint: Any = None
        self.bound: Any = None
        self.received: list[Array] = []
        self.inverted: list[tuple[Node, Any]] = []
        self.outers: list[Outer] = []
        self._size: Any = None
        self._own = False

    @property
    def size(self) -> Array:
        """|value|."""
        if self._size is None:
            self._size = np.abs(self.value)
        return self._size

    def receive(self, adjoint: Array, bound: Array) -> None:
        """Add what comes back from one later result."""
        if self.edges:  # of a parameter nobody asks
            self.received.append(adjoint)
        if self.adjoint is None:
            self.adjoint, self.bound, self._own = adjoint, bound, False
        elif self._own:
            self.adjoint += adjoint
            self.bound += bound
            self.bound += np.abs(self.adjoint)
        else:  # the first ones may be another node's, too
            self.adjoint = self.adjoint + adjoint
            self.bound = self.bound + bound + np.abs(self.adjoint)
            self._own = True

    @property
    def back(self) -> Any:
        """The error for a program that works the value out from a later result: error(result) / |slope|.

        At most four times its size: where a function saturates, results one ulp apart give arguments that far apart.
        """
        worst: Any = 0
        for result, slope in self.inverted:
            error = np.minimum(result.recovered / np.abs(slope), self.size * 2.0**55)
            worst = np.where(result.adjoint != 0, np.fmax(worst, error), worst)
        return worst

    @property
    def recovered(self) -> Any:
        """The error for a program that works the value out again from the only later result that uses it.

        Entry by entry: of the two branches of a np.where, only the one that is taken counts.
        """
        if not self.inverted:
            return self.error
        uses = sum(adjoint != 0 for adjoint in self.received)  # as far as an adjoint comes back from them
        return np.where(uses == 1, np.fmax(self.error, self.back), self.error)


class Traced(DuckArray):
    """The array a loss sees in place of a parameter or of float data."""

    def __init__(self, tape: Tape, node: Node) -> None:
        self.tape, self.node = tape, node

    @property
    def value(self) -> Array:  # type: ignore[override]
        return self.node.value

    def assign(self, other: Traced) -> None:
        self.node = other.node

    def detached(self) -> Traced:
        """A constant that still knows how far a program may have it wrong."""
        return Traced(self.tape, self.tape.node(self.node.value, self.node.error))

    def apply_ufunc(self, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Any:
        operation = OPERATIONS.get(ufunc)
        if operation is None:
            known = "arithmetic, exp, log, tanh, sin, cos, sqrt, abs, square, maximum, logaddexp"
            refuse(f"np.{ufunc.__name__}", f"use {known}")
        return operation(self.tape, *inputs)

    def apply_function(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if function in OPERATIONS:
            check_arguments(function, OPERATIONS[function], (self.tape, *args), kwargs)
            return OPERATIONS[function](self.tape, *args, **kwargs)
        result = composites.apply(function, args, kwargs)
        if result is NotImplemented:
            refuse(spelled(function), "write it out with arithmetic, np.sum, np.einsum, np.where, np.stack")
        return result

    def index(self, key: Any) -> Any:
        return OPERATIONS[operator.getitem](self.tape, self, plain(key))

    def compare(self, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Any:
        if ufunc in OPERATIONS and any(isinstance(x, Traced) and x.node.differentiable for x in inputs):
            return OPERATIONS[ufunc](self.tape, *inputs)
        return super().compare(ufunc, inputs)

    def ask(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if function in OPERATIONS and isinstance(args[0], Traced) and args[0].node.differentiable:
            return self.apply_function(function, args, kwargs)
        return super().ask(function, args, kwargs)


OPERATIONS: dict[Any, Callable[..., Any]] = {}
"""What each of NumPy's ufuncs and functions does on the tape: ``operation(tape, *args, **kwargs)``.

``elementwise``, ``linear`` and ``positions`` fill it.
"""
