"""The same theorems at fixed small sizes by brute force: an independent check of the calculus of sums and deltas.

The loss is written out as one nested formula in the parameters, differentiated, and compared with the backward
equations written out likewise. No delta, no symbolic range and no Lagrangian is involved, and equality is decided
exactly: once the parts have names, both sides are rational functions with rational coefficients.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import sympy as sp
from sympy.polys.fields import field
from sympy.polys.rings import ring

from gradproof.symbolic.indices import Index, free_indices
from gradproof.symbolic.proof import Checked, Disproved
from gradproof.symbolic.recurrence import Backpropagation
from gradproof.symbolic.system import Equation
from gradproof.symbolic.typeset import latex

#: A value for each size and each index.
Values = Mapping[sp.Expr, int]


def prove_by_brute_force(theorem: Backpropagation, sizes: Values) -> Iterator[Checked]:
    """Prove every element of every backward equation of ``theorem`` at one choice of sizes.

    sizes: a value for every size, and for each index that is an input (a class). The derivative by an element that is
    computed is the derivative by a disturbance added to it. Raises Disproved with the difference.
    """
    written_out = WrittenOut(theorem, sizes)
    where = ", ".join(f"{size} = {value}" for size, value in sizes.items())
    for label, equation in theorem.backward.items():
        for at, element in elements(equation.target, sizes):
            derivative = written_out.derivative(variable(theorem, equation.target, at))
            if not is_zero(derivative - written_out.claimed[element]):
                raise Disproved(f"{label}: {element} is false at {where}: it is {derivative}")
            yield Checked(f"{label}: {element} at {where}", f"{latex(element)} = {latex(derivative)}")


class WrittenOut:
    """A theorem without indices.

    claimed: element of an array of derivatives -> its claimed value, in terms of inputs and of computed elements.
    """

    def __init__(self, theorem: Backpropagation, sizes: Values) -> None:
        known = _zeros_and_ones(theorem.constant, sizes)
        steps = [(x, v.xreplace(known)) for equation in theorem.forward for x, v in _defined(equation, sizes)]
        names = _short_names(theorem, sizes, known)
        self._given = _solved_conditions(theorem, sizes)
        # Elements that no name stands for, such as V h + c, are written out on both sides.
        self._unnamed: dict[sp.Expr, sp.Expr] = {}
        self._moved = {element: sp.Symbol(f"d{element}", real=True) for element, _ in steps}
        nested: dict[sp.Expr, sp.Expr] = dict(known)
        for element, value in steps:
            nested[element] = value.xreplace(nested) + self._moved[element]
            if not any(element in name.free_symbols and value.has(part) for part, name in names.items()):
                self._unnamed[element] = value.xreplace(self._unnamed)
        self._names = {part.xreplace(self._unnamed): name for part, name in names.items()}
        self._loss = _without_indices(theorem.loss, sizes).xreplace(nested)

        self.claimed: dict[sp.Expr, sp.Expr] = {}
        for equation in theorem.backward.values():
            for element, value in _defined(equation, sizes):
                in_inputs = value.xreplace(known).xreplace(self._unnamed).xreplace(self.claimed)
                self.claimed[element] = in_inputs.xreplace(self._given)

    def derivative(self, element: sp.Symbol) -> sp.Expr:
        """SymPy's derivative of the nested loss, its parts then called by their names."""
        still = dict.fromkeys(self._moved.values(), sp.S.Zero)
        derivative = self._loss.diff(self._moved.get(element, element)).xreplace(still)
        named = derivative.xreplace(self._names)
        while named != derivative:  # from the innermost parts outwards
            derivative, named = named, named.xreplace(self._names)
        return named.xreplace(self._given)


def is_zero(difference: sp.Expr) -> bool:
    """Whether a rational function is zero; exact. A function of such is as good as one more variable."""
    rational = difference.xreplace({part: sp.Dummy() for part in difference.atoms(sp.Function)})
    reciprocals = {power: sp.Dummy() ** -power.exp for power in rational.atoms(sp.Pow) if power.exp.is_negative}
    # What vanishes whatever the reciprocals are vanishes; that needs no division, and is much quicker to decide.
    return _vanishes(rational.xreplace(reciprocals), ring) or (bool(reciprocals) and _vanishes(rational, field))


def _vanishes(rational: sp.Expr, domain: Any) -> bool:
    variables = sorted(rational.free_symbols, key=str)
    return bool(domain(variables, sp.QQ)[0].from_expr(rational) == 0 if variables else rational == 0)


# ---- without indices ----------------------------------------------------------------------------------------------


class exponential(sp.Function):  # type: ignore[misc]  # noqa: N801 (spelt as SymPy spells functions)
    """exp as a name only: SymPy would write exp(a) exp(b) as exp(a + b), which is neither of the two."""

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self


def _without_indices(expr: Any, at: Values) -> sp.Expr:
    """``expr`` with every index and size a number, every element of an array a symbol, every sum written out."""
    expr = sp.sympify(expr)
    if expr in at:
        return sp.Integer(at[expr])
    if isinstance(expr, sp.Indexed):
        return element(expr.base, [_without_indices(i, at) for i in expr.indices])
    if isinstance(expr, sp.Sum):
        *inner, (i, lower, upper) = expr.limits
        summand = sp.Sum(expr.function, *inner) if inner else expr.function
        span = range(int(_without_indices(lower, at)), int(_without_indices(upper, at)) + 1)
        return sp.Add(*[_without_indices(summand, {**at, i: value}) for value in span])
    if not expr.args:
        return expr
    arguments = [_without_indices(argument, at) for argument in expr.args]
    if isinstance(expr, sp.exp):
        return exponential(*arguments)
    if isinstance(expr, sp.log):  # log(exp(a) / b) = a - log(b): neither a nor b is divided by then
        numerator, denominator = arguments[0].as_numer_denom()
        if isinstance(numerator, exponential):
            return numerator.args[0] - sp.log(denominator)
    return expr.func(*arguments)


def element(array: sp.IndexedBase, place: Any) -> sp.Symbol:
    return sp.Symbol(f"{array}[{', '.join(map(str, place))}]", real=True)


def places(indices: list[Index], sizes: Values) -> Iterator[dict[sp.Expr, int]]:
    """All values of some indices, beside the sizes."""
    spans = [range(int(_without_indices(i.lower, sizes)), int(_without_indices(i.upper, sizes)) + 1) for i in indices]
    for values in itertools.product(*spans):
        yield {**sizes, **dict(zip(indices, values, strict=True))}


def elements(target: sp.Indexed, sizes: Values, *, down: bool = False) -> Iterator[tuple[Values, sp.Symbol]]:
    """Every element an equation of this target defines, with the values of its indices; last places first if down."""
    found = list(places([i for i in target.indices if isinstance(i, Index)], sizes))
    for at in reversed(found) if down else found:
        yield at, _without_indices(target, at)


def variable(theorem: Backpropagation, target: sp.Indexed, at: Values) -> sp.Symbol:
    """The element by which an element of an array of derivatives is the derivative."""
    by = theorem.derivative_of[target.base]
    place = (*getattr(by, "indices", ()), *target.indices)
    return element(getattr(by, "base", by), [_without_indices(i, at) for i in place])


def _defined(equation: Equation, sizes: Values) -> Iterator[tuple[sp.Symbol, sp.Expr]]:
    """Every element an equation defines, with its value, in the order of evaluation."""
    for at, defined in elements(equation.target, sizes, down=equation.down):
        yield defined, _without_indices(equation.value, at)


def _zeros_and_ones(constant: tuple[Equation, ...], sizes: Values) -> dict[sp.Symbol, sp.Expr]:
    """The constants that are numbers. All others stay symbols: their values do not matter to a derivative."""
    numbers: dict[sp.Symbol, sp.Expr] = {}
    for equation in constant:
        for defined, value in _defined(equation, sizes):
            if value.xreplace(numbers).is_number:
                numbers[defined] = value.xreplace(numbers)
    return numbers


def _short_names(theorem: Backpropagation, sizes: Values, known: Mapping[Any, Any]) -> dict[sp.Expr, sp.Expr]:
    """tanh(W[0, 0] h[1, 0] + ...) is h[2, 0]: for every name, at every place."""
    return {
        _without_indices(part, at).xreplace(known): _without_indices(name, at).xreplace(known)
        for part, name in theorem.names.items()
        for at in places(sorted(free_indices(part), key=str), sizes)
    }


def _solved_conditions(theorem: Backpropagation, sizes: Values) -> dict[sp.Symbol, sp.Expr]:
    """Each side condition solved for the last element of its sum: y[1, 1] is 1 - y[1, 0]."""
    solved: dict[sp.Symbol, sp.Expr] = {}
    for sums, value in theorem.given.items():
        for at in places(sorted(free_indices(sums), key=str), sizes):
            *others, last = sorted(_without_indices(sums, at).free_symbols, key=str)
            solved[last] = value - sp.Add(*others)
    return solved
