"""Random programs: losses written line by line from every operation the tape traces, with values to run them at."""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

from gradproof.problem import Place, Point, Problem
from tests.engine.programs import problem_of, weights
from tests.fuzz.rules import RULES
from tests.fuzz.scope import NoOperand, Scope

DTYPES = ("float64", "float32")
ENTRIES = 24
"""The most entries a value may have."""

LENGTHS = (1, 2, 3)
LINES = 10
"""The most lines a program may have."""

WRITTEN = (False, True, True, True)
"""Three of four lines are written; a shrunk program goes without them."""

TRIES = 3
"""Rules that are tried for one line before the program goes without it."""


@dataclass(frozen=True, eq=False)
class Program:
    """A loss as text, the values to run it at, and which operations it was written from, by the keys of RULES.

    params, data: arrays by name; floats have the dtype.
    """

    params: Mapping[str, Any]
    data: Mapping[str, Any]
    dtype: str
    lines: tuple[str, ...]
    operations: tuple[Any, ...]

    @cached_property
    def source(self) -> str:
        """The loss as a function of Python."""
        head = ["def loss(params, data):", *unpacked("params", self.params), *unpacked("data", self.data)]
        return "\n".join([head[0], *(textwrap.indent(line, "    ") for line in (*head[1:], *self.lines))]) + "\n"

    @cached_property
    def loss(self) -> Callable[[Any, Any], Any]:
        namespace: dict[str, Any] = {"np": np, "weights": weights}
        exec(compile(self.source, "<a random program>", "exec"), namespace)
        return namespace["loss"]

    @property
    def problem(self) -> Problem:
        return problem_of(self.loss)

    @property
    def point(self) -> Point:
        return Point(Place.of({}, dtype=self.dtype), dict(self.params), dict(self.data))

    def __repr__(self) -> str:
        """The program as a file that can be run, which says at which values."""
        values = {"params": self.params, "data": self.data}
        shown = [
            f"{role} = {{{', '.join(f'{name!r}: {in_source(value)}' for name, value in part.items())}}}"
            for role, part in values.items()
        ]
        return "\n".join([f"# dtype of the floats: {self.dtype}", *shown, "", self.source])


def unpacked(role: str, values: Mapping[str, Any]) -> list[str]:
    names = list(values)
    return [f"{', '.join(names)} = {', '.join(f'{role}[{name!r}]' for name in names)}"] if names else []


def in_source(array: Any) -> str:
    return f"np.array({array.tolist()!r}, {array.dtype.name!r})"


# Drawing ------------------------------------------------------------------------------------------------------------

ORDINARY = st.integers(-1999, 1999).map(lambda k: k / 1000)
EXTREME = {
    "float64": (0.0, -0.0, 1e-5, 1.0, 30.0, -30.0, 700.0, -800.0, 1e5, 1e-12, -1e30, 1e100, 1e-100, -1e-300, 5e-324),
    "float32": (0.0, -0.0, 1e-3, 1.0, 20.0, -20.0, 80.0, -100.0, 1e3, 1e-6, -1e10, 1e15, 1e-15, -1e-37, 1e-45),
}
"""Zeros of both signs, what saturates an exponential, huge, tiny and subnormal numbers."""


def arrays(dtype: str, most: int) -> st.SearchStrategy[Any]:
    """An array of 0 to ``most`` axes: ordinary entries, or now and then extreme ones among them."""
    return st.lists(st.sampled_from(LENGTHS), max_size=most).flatmap(
        lambda shape: entries(dtype, int(np.prod(shape, dtype=int))).map(lambda e: np.array(e, dtype).reshape(shape))
    )


def entries(dtype: str, number: int) -> st.SearchStrategy[list[float]]:
    ordinary = st.lists(ORDINARY, min_size=number, max_size=number)
    extreme = st.lists(ORDINARY | st.sampled_from(EXTREME[dtype]), min_size=number, max_size=number)
    return st.sampled_from([ordinary, ordinary, extreme]).flatmap(lambda chosen: chosen)


def integers() -> st.SearchStrategy[Any]:
    return st.lists(st.integers(-2, 3), min_size=1, max_size=3).map(lambda k: np.array(k, np.int64))


@st.composite
def programs(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Program:
    """Programs of one to three parameters, data of floats and of integers, and up to LINES lines."""
    dtype = draw(st.sampled_from(DTYPES))
    params = {name: draw(arrays(dtype, 3 if name == "a" else 2)) for name in "abc"[: draw(st.integers(1, 3))]}
    data: dict[str, Any] = {"u": draw(arrays(dtype, 2))} if draw(st.booleans()) else {}
    data |= {"k": draw(integers())} if draw(st.booleans()) else {}
    scope = Scope(draw, {**params, **data})
    lines, operations = [], []
    for _ in range(LINES):
        # A choice for each line and not a number of lines: Hypothesis would put small numbers it has seen in its place.
        written = next_line(scope, f"x{len(lines) + 1}") if scope.pick(WRITTEN) else None
        if written is not None:
            lines.append(written[0])
            operations.append(written[1])
    used = words("\n".join(lines))
    unused = [name for name in scope.values if name not in used and name not in data]
    result = " + ".join(f"np.sum({name} * weights({scope.shape(name)}))" for name in unused)
    return Program(params, data, dtype, (*lines, f"return {result}"), tuple(operations))


def next_line(scope: Scope, name: str) -> tuple[str, Any] | None:
    """A line that gives ``name`` a finite value of few entries, and the operation it is about; None after TRIES."""
    for _ in range(TRIES):
        operation = scope.pick(list(RULES))
        try:
            line = f"{{result}} = {RULES[operation](scope)}".replace("{result}", name)
            value = run(line, scope.values)[name]
        except (NoOperand, ValueError, IndexError, ZeroDivisionError):  # shapes that do not fit
            continue
        if np.issubdtype(value.dtype, np.floating) and 0 < value.size <= ENTRIES and np.all(np.isfinite(value)):
            scope.values[name] = value
            return line, operation
    return None


def run(line: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with those that a line adds, in NumPy's own arithmetic."""
    known = {"np": np, **values}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(line, known)
    return {name: np.asarray(value) for name, value in known.items() if name not in ("np", "__builtins__")}


def words(lines: str) -> set[str]:
    """The names that lines read."""
    return {n.id for n in ast.walk(ast.parse(lines)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
