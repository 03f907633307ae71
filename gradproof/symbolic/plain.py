"""Equations as text for a terminal: ``dw[q] = sum[i = 0..m - 1]((a[i] - y[i])*X[i, q])/m``."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.printing.str import StrPrinter

from gradproof.symbolic.system import Equation, System


class _Plain(StrPrinter):  # type: ignore[misc]  # SymPy has no type hints
    """SymPy's own text, but for sums, whose ranges it writes behind, and the long name of Kronecker's delta."""

    def _print_Sum(self, total: sp.Sum) -> str:
        ranges = ", ".join(f"{index} = {self._print(low)}..{self._print(high)}" for index, low, high in total.limits)
        return f"sum[{ranges}]({self._print(total.function)})"

    def _print_KroneckerDelta(self, delta: Any) -> str:
        return f"delta({', '.join(map(self._print, delta.args))})"


def plain(expression: sp.Expr) -> str:
    """A formula in index notation as one line of text."""
    return str(_Plain().doprint(expression))


def equations(system: System) -> list[str]:
    """All equations of a system, in the order of evaluation, a line each."""
    return [_line(equation) for equation in system.equations]


def gradients(system: System) -> list[str]:
    """Only those equations of a system that say what its outputs are."""
    wanted = set(system.outputs.values())
    return [_line(equation) for equation in system.equations if _name(equation.target) in wanted]


def _line(equation: Equation) -> str:
    return f"{plain(equation.target)} = {plain(equation.value)}"


def _name(target: sp.Expr) -> sp.Expr:
    return getattr(target, "base", target)
