"""A finding as a test of one's own: source for pytest that has the point and the exact gradient written out in it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.bound import Reference, unit
from gradproof.errors import NotRun
from gradproof.problem import Point, Problem
from gradproof.sampling import draw_point
from gradproof.soundness import Ground
from gradproof.verdict import Finding, Values, shortest

WIDTH = 100
"""Characters in a line of the source."""

SHOWN_BY_THE_GRADIENT = ("value", "non-finite", "shape", "dtype", "missing", "exception")
"""Kinds of finding that a look at the returned gradient shows; the others take several calls, or are about the loss."""


def regression_test(
    problem: Problem, finding: Finding, *, import_line: str = "from my_code import gradients", call: str | None = None
) -> str:
    """Source of a test that fails as long as the finding is there, and needs nothing but NumPy and the code.

    import_line: how the test gets the code. call: what computes the gradients, a mapping, from ``params``, ``data``
    and, for a layer, ``upstream``; None calls a function ``gradients`` with these.

    Raises NotRun where no such test can be written: the finding is of a kind that the gradient does not show, the point
    has more values than can be read, or the error is so small that one tolerance for all entries would hide it.
    """
    if finding.kind not in SHOWN_BY_THE_GRADIENT:
        raise NotRun(f"no test is written: one gradient does not show what is wrong ({finding.detail})")
    point = draw_point(problem, finding.place)
    if point is None or Values.few(point) is None:
        raise NotRun(f"no test is written: the point at {finding.place} has too many values, or such as are no numbers")
    known = Ground(problem).refer(point)
    call = call or ("gradients(params, data, upstream)" if problem.is_layer else "gradients(params, data)")
    names = [finding.parameter] if finding.parameter in point.params else list(point.params)
    about = f"gradient of {names[0]}" if len(names) == 1 else "gradients"
    return "\n".join(
        [
            *comment(f"The {about} of {problem.name}, at {finding.place}."),
            "import numpy as np",
            "",
            import_line,
            "",
            "",
            f"def test_{identifier(about)}():",
            *assignment("params", point.params),
            *assignment("data", point.data),
            *(assignment("upstream", point.upstream) if problem.is_layer else []),
            f"    computed = {call}",
            *(line for name in names for line in check(name, finding, point, known)),
            "",
        ]
    )


def check(name: str, finding: Finding, point: Point, known: Reference) -> Iterator[str]:
    """Lines that hold a computed gradient against the exact one. Raises NotRun where they would let the error pass."""
    exact = np.asarray(known.gradients[name], np.float64)
    # The exact numbers are written in float64, so half a unit in their last place is added to what arithmetic allows.
    allowed = rounded_up(float(np.max(known.bounds[name]) + unit(np.float64) * np.max(np.abs(exact))))
    if finding.parameter == name and finding.error is not None and finding.error <= 2 * allowed:
        raise NotRun(f"no test is written: {finding.entry} is off by less than other entries of {name} may be")
    yield ""
    yield f"    gradient = computed[{quoted(name)}]"
    yield from assignment("exact", exact)
    if finding.kind == "shape":
        yield "    assert np.shape(gradient) == exact.shape"
    if finding.kind == "dtype":
        # As in a check, a Python float will do for a parameter without axes: it has no dtype to be wrong.
        yield "    assert " + "type(gradient) is float or " * (not exact.ndim) + f"gradient.dtype == np.{point.dtype}"
    yield f"    # The most that rounding can put a correct program in {point.dtype} off, at this point."
    yield f"    np.testing.assert_allclose(gradient, exact, rtol=0, atol={allowed!r})"


def rounded_up(x: float) -> float:
    """Two digits, and no less than ``x``: a tolerance needs no more."""
    return float(f"{1.05 * x:.1e}")


def identifier(text: str) -> str:
    """A text as part of a name."""
    return re.sub(r"\W+", "_", text).strip("_")


def comment(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, WIDTH, initial_indent="# ", subsequent_indent="# ")


# Values as source -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bracketed:
    """An expression with brackets, whose parts can stand in a line each."""

    opening: str
    parts: tuple[Bracketed | str, ...]
    closing: str

    def __str__(self) -> str:
        return self.opening + ", ".join(map(str, self.parts)) + self.closing

    def within(self, before: str, after: str) -> Bracketed:
        return Bracketed(before + self.opening, self.parts, self.closing + after)


def assignment(name: str, value: Any) -> list[str]:
    return list(laid_out(bracketed(literal(value), f"{name} = "), 4))


def laid_out(expression: Bracketed | str, indent: int) -> Iterator[str]:
    """The lines of an expression: one, where that is not too long, else its parts one below the other."""
    if isinstance(expression, str) or indent + len(str(expression)) <= WIDTH:
        yield " " * indent + str(expression)
        return
    yield " " * indent + expression.opening
    for part in expression.parts:
        yield from laid_out(bracketed(part, after=","), indent + 4)
    yield " " * indent + expression.closing


def bracketed(expression: Bracketed | str, before: str = "", after: str = "") -> Bracketed | str:
    """An expression with text around it."""
    return before + expression + after if isinstance(expression, str) else expression.within(before, after)


def literal(value: Any) -> Bracketed | str:
    """A value of a point as an expression: an array in its dtype and memory layout, a container, a plain value."""
    if isinstance(value, np.ndarray):
        return array(value)
    if isinstance(value, Mapping):
        return Bracketed("{", tuple(bracketed(literal(v), f"{quoted(name)}: ") for name, v in value.items()), "}")
    if isinstance(value, list):
        return Bracketed("[", tuple(map(literal, value)), "]")
    if isinstance(value, tuple):
        return Bracketed("(", tuple(map(literal, value)), ",)" if len(value) == 1 else ")")
    return plain(value, "float64")


def array(value: np.ndarray) -> Bracketed:
    listed = value.tolist()
    options: list[str] = [] if np.array(listed).dtype == value.dtype else [f"dtype=np.{value.dtype}"]
    contiguous = value.flags["C_CONTIGUOUS"] or value.flags["F_CONTIGUOUS"]
    if contiguous and not value.flags["C_CONTIGUOUS"]:
        options.append('order="F"')
    written = Bracketed("np.array(", (numbers(listed, str(value.dtype)), *options), ")")
    if contiguous:
        return written
    # Every second entry of a wider array: what is not contiguous can be read no other way.
    wide = "".join(f".repeat(2, axis={axis})" for axis in range(value.ndim))
    return written.within("", f"{wide}[{', '.join(['::2'] * value.ndim)}]")


def numbers(value: Any, dtype: str) -> Bracketed | str:
    if isinstance(value, list):
        return Bracketed("[", tuple(numbers(part, dtype) for part in value), "]")
    return plain(value, dtype)


def plain(value: Any, dtype: str) -> str:
    """A number, text, or whatever else is no container."""
    if isinstance(value, str):
        return quoted(value)
    if type(value) is not float:
        return repr(value)
    written = shortest(value, dtype)
    return written if np.isfinite(value) else f"np.{written}" if value != -np.inf else "-np.inf"


def quoted(text: str) -> str:
    """A string as Python writes it, in double quotes where it can be."""
    written = repr(text)
    return written if "'" in text or '"' in text else f'"{written[1:-1]}"'
