"""The methods and attributes of the arrays themselves, and what a loss may ask of one without differentiating it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.fuzz.scope import Scope, count

# Methods ------------------------------------------------------------------------------------------------------------


def over_axes(method: str) -> Callable[[Scope], str]:
    def rule(s: Scope) -> str:
        x = s.array()
        return f"{x}.{method}(axis={s.axes(x)}, keepdims={s.flag()})"

    return rule


def plainly(member: str, least: int = 0, most: int = 4) -> Callable[[Scope], str]:
    return lambda s: f"{s.array(least, most)}.{member}"


def reshape(s: Scope) -> str:
    x = s.array()
    shape = s.factors(count(s.shape(x)))
    return s.pick([f"{x}.reshape({shape})", f"{x}.reshape({', '.join(map(str, shape))})"])


def transpose(s: Scope) -> str:
    x = s.array()
    axes = s.permutation(len(s.shape(x)))
    return s.pick([f"{x}.transpose()", f"{x}.transpose({', '.join(map(str, axes))})", f"{x}.transpose({axes or None})"])


def squeeze(s: Scope) -> str:
    x = s.array()
    return f"{x}.squeeze(axis={s.pick([None, *(k for k, n in enumerate(s.shape(x)) if n == 1)])})"


def swapaxes(s: Scope) -> str:
    x = s.array(1)
    return f"{x}.swapaxes({s.axis(x)}, {s.axis(x)})"


def dot(s: Scope) -> str:
    x = s.array(1)
    return f"{x}.dot({s.partner(x, np.dot)})"


def clip(s: Scope) -> str:
    return f"{s.array()}.clip({s.pick(['-0.5, 0.5', 'min=0.1', 'max=0.3'])})"


# Questions: the answer is a plain number, place or truth ------------------------------------------------------------


def scaled(question: str, least: int = 0) -> Callable[[Scope], str]:
    """An array times a plain number that was found out about it."""
    return lambda s: (x := s.array(least)) and f"{x} * {question.format(x=x)}"


def shifted(question: str) -> Callable[[Scope], str]:
    """An array plus one of constants made in its image."""
    return lambda s: (x := s.array()) and f"np.cos({x} + {question.format(x=x)})"


def chosen(question: str) -> Callable[[Scope], str]:
    """One of two values, by a truth about an array."""
    return lambda s: (x := s.array()) and f"{x} if {question.format(x=x)} else {s.array()}"


def truth(s: Scope) -> str:
    return f"{s.array()} if {s.array(0, 0)} else {s.array()}"


def best(question: str) -> Callable[[Scope], str]:
    """The entry at a place that was looked for."""
    return lambda s: (x := s.array()) and f"np.ravel({x})[{question.format(x=x)}]"


def ordered(s: Scope) -> str:
    x = s.array(1)
    return f"np.take_along_axis({x}, np.argsort({x}, axis=-1)[..., :1], axis=-1)"


RULES = {f"x.{method}": over_axes(method) for method in ("sum", "mean", "max", "min", "var", "std")}
RULES |= {
    "x.T": plainly("T"),
    "x.real": plainly("real"),
    "x.ravel": plainly("ravel()"),
    "x.flatten": plainly("flatten()"),
    "x.copy": plainly("copy()"),
    "x.astype": plainly("astype(np.float64)"),
    "x.trace": plainly("trace()", 2, 2),
    "x.reshape": reshape,
    "x.transpose": transpose,
    "x.squeeze": squeeze,
    "x.swapaxes": swapaxes,
    "x.dot": dot,
    "x.clip": clip,
    "x.shape": scaled("{x}.shape[0]", 1),
    "x.ndim": scaled("{x}.ndim"),
    "x.size": scaled("{x}.size"),
    "x.dtype": chosen("{x}.dtype == np.complex128"),
    "x.__len__": scaled("len({x})", 1),
    "x.__iter__": lambda s: f"sum(row * k for k, row in enumerate({s.array(1)}, 1))",
    "x.__bool__": truth,
    "x.argmax": best("{x}.argmax()"),
    np.shape: scaled("np.shape({x})[-1]", 1),
    np.ndim: scaled("np.ndim({x})"),
    np.size: scaled("np.size({x})"),
    np.zeros_like: shifted("np.zeros_like({x})"),
    np.ones_like: shifted("np.ones_like({x})"),
    np.full_like: shifted("np.full_like({x}, 0.3)"),
    np.empty_like: scaled("len(np.empty_like({x}))", 1),
    np.argmax: best("np.argmax({x})"),
    np.argmin: best("np.argmin({x})"),
    np.argsort: ordered,
    np.iscomplexobj: chosen("np.iscomplexobj({x})"),
    np.isrealobj: chosen("np.isrealobj({x})"),
    np.result_type: chosen("np.result_type({x}) == np.complex128"),
}
