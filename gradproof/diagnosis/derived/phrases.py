"""Formulas in words short enough for a sentence: ``h[t - 1]``, ``W``, ``1 - h[t]^2``; indices of units are left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sympy as sp
from sympy.printing.precedence import precedence
from sympy.printing.str import StrPrinter

from gradproof.symbolic.indices import Index
from gradproof.symbolic.lowering.program import array_of, indices_of
from gradproof.symbolic.system import Axis, System

STEP = sp.Symbol("t", integer=True)
"""How every step is called, whatever letter a formula has for it."""


class Phrases:
    """Writes the formulas of one system; it knows which axes are steps in time, and which arrays are gradients."""

    def __init__(self, system: System) -> None:
        self.steps = {end for e in system.equations if e.along is not None for end in e.along.upper.free_symbols}
        self.axes: dict[Any, Sequence[Axis]] = dict(system.inputs.values()) | dict(system.computed)
        for equation in system.equations:
            self.axes.setdefault(
                array_of(equation.target),
                [(i.lower, i.upper) for i in indices_of(equation.target) if hasattr(i, "lower")],
            )
        for name in system.shared:
            self.axes.setdefault(array_of(name), [(i.lower, i.upper) for i in indices_of(name)])
        self.gradients = {symbol: f"d{name}" for name, symbol in system.outputs.items()}
        self.printer = Printer(self)

    def __call__(self, e: Any) -> str:
        return self.printer.doprint(sp.sympify(e))

    def is_step(self, axis: Sequence[Any]) -> bool:
        """Whether the places of an axis are steps in time: its last one is, or is next to, that of a recursion."""
        return bool(sp.sympify(axis[1]).free_symbols & self.steps)

    def step_positions(self, array: Any) -> list[int]:
        """Which of an array's axes are steps in time."""
        return [k for k, axis in enumerate(self.axes.get(array, ())) if self.is_step(axis)]

    def name(self, array: Any) -> str:
        return self.gradients.get(array) or str(array)


class Printer(StrPrinter):  # type: ignore[misc]
    """SymPy's text, without what a reader of a sentence knows."""

    printmethod = ""  # classes of formulas have texts of their own, with all indices

    def __init__(self, phrases: Phrases) -> None:
        super().__init__()
        self.phrases = phrases

    def _print_Indexed(self, e: sp.Indexed) -> str:
        shown = [e.indices[k] for k in self.phrases.step_positions(e.base)]
        places = [self._print(sp.sympify(i).xreplace(dict.fromkeys(sp.sympify(i).atoms(Index), STEP))) for i in shown]
        return self.phrases.name(e.base) + (f"[{', '.join(places)}]" if places else "")

    def _print_Idx(self, e: Index) -> str:
        return str(e.label)

    def _print_Index(self, e: Index) -> str:
        return self._print_Idx(e)

    def _print_Symbol(self, e: sp.Symbol) -> str:
        return self.phrases.name(e)

    def _print_Pow(self, e: sp.Pow, rational: bool = False) -> str:
        return str(super()._print_Pow(e, rational)).replace("**", "^")

    def _print_Add(self, e: sp.Add, order: Any = None) -> str:
        terms = sorted(self._as_ordered_terms(e), key=lambda term: bool(term.could_extract_minus_sign()))
        first, *rest = [(term.could_extract_minus_sign(), term) for term in terms]
        text = str(self._print(first[1]))
        for negative, term in rest:
            text += f" {'-' if negative else '+'} {self.parenthesize(-term if negative else term, precedence(e))}"
        return text

    def _print_Sum(self, e: sp.Sum) -> str:
        return f"sum_{''.join(step_or(limit[0], self.phrases) for limit in e.limits)}({self._print(e.function)})"

    def _print_KroneckerDelta(self, e: sp.KroneckerDelta) -> str:
        return f"[{' = '.join(self._print(side) for side in e.args)}]"

    def _print_without_first(self, e: Any) -> str:
        return str(self._print(e.args[0]))


def step_or(i: Index, phrases: Phrases) -> str:
    return str(STEP) if phrases.is_step((i.lower, i.upper)) else str(i.label)


def listed(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def gradients(names: Iterable[str]) -> str:
    """``dW and dU``."""
    return listed(f"d{name}" for name in names)
