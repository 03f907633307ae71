"""LaTeX of a formula, each sum with a sign of its own (SymPy stacks the ranges of nested sums under one)."""

from __future__ import annotations

import sympy as sp
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE


class _Printer(LatexPrinter):  # type: ignore[misc]
    def _print_Symbol(self, expr: sp.Symbol, style: str = "plain") -> str:
        return str(super()._print_Symbol(expr, style)).replace("nabla", r"\nabla")

    def _print_Sum(self, expr: sp.Sum) -> str:
        signs = [
            rf"\sum_{{{self._print(i)}={self._print(lower)}}}^{{{self._print(upper)}}}"
            for i, lower, upper in reversed(expr.limits)  # SymPy lists the innermost sum first
        ]
        return " ".join([*signs, self.parenthesize(expr.function, PRECEDENCE["Mul"])])


def latex(expr: sp.Basic) -> str:
    """``expr`` in LaTeX, without delimiters."""
    return str(_Printer().doprint(expr))
