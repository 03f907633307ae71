"""What counts as proved: SymPy differentiates, the printed formula cancels against it, and numbers confirm it.

A difference that does not cancel is not yet a wrong formula. It is Disproved only by a counterexample in numbers,
where the derivative is taken without SymPy; without one it is Undecided.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import sympy as sp

from gradproof.errors import InvalidProblem
from gradproof.symbolic.indices import IndexClash, check_indices, free_indices, summed_indices
from gradproof.symbolic.proof import Checked, Disproved, Proof, Undecided
from gradproof.symbolic.samples import Sample, Unusable, samples, shown
from gradproof.symbolic.sums import Given, cancels, normal_form
from gradproof.symbolic.system import Equation, System
from gradproof.symbolic.typeset import latex

#: Shorter names for parts of a formula: ``{tanh(a(t, i)): h[t, i]}`` calls the part on the left what is on the right.
Names = Mapping[sp.Expr, sp.Expr]

_CONFIRMATIONS = 3


#: What a derivation is written as: it yields what it checked, and returns the program made of the proved formulas.
#: One that has no program to return is an ``Iterator[Checked]``.
Steps = Generator[Checked, None, System]


class Derivation:
    """Steps as a function that runs them all and returns the Proof: at the first call, later ones return the same."""

    def __init__(self, steps: Callable[[], Iterator[Checked]], scope: str, argued: str) -> None:
        functools.update_wrapper(self, steps)
        self._steps, self._scope, self._argued = steps, scope, argued

    def __call__(self) -> Proof:
        return self._proved[0]

    def system(self) -> System:
        """The program the steps return, which there is only once all of them are proved.

        Raises InvalidProblem where they return none.
        """
        system = self._proved[1]
        if system is None:
            raise InvalidProblem(f"{self._steps.__name__} returns no System")
        return system

    @functools.cached_property
    def _proved(self) -> tuple[Proof, System | None]:
        start = time.perf_counter()
        system: System | None = None

        def checked() -> Iterator[Checked]:
            nonlocal system
            system = yield from cast(Steps, self._steps())  # a plain iterator's value is None

        proof = Proof(self._scope, tuple(checked()), self._argued, time.perf_counter() - start)
        return proof, system


def derivation(
    *, scope: str = "every size", argued: str = ""
) -> Callable[[Callable[[], Iterator[Checked]]], Derivation]:
    """Turn a function that yields its checked steps, and may return its System, into a Derivation."""
    return lambda steps: Derivation(steps, scope, argued)


def gradient(
    claim: str,
    loss: Any,
    variable: sp.Expr,
    printed: Any,
    *,
    names: Names | None = None,
    given: Given | None = None,
    where: Sequence[Equation] = (),
    statement: str | None = None,
) -> Checked:
    """Prove that the derivative of ``loss`` with respect to ``variable`` is ``printed``.

    variable: a scalar or an array element with free indices, ``w[q]``; the claim then holds for every q.
    names: applied to SymPy's derivative, so that the printed formula may use them.
    given: side conditions, sums of one array over one index with their values.
    where: equations that hold between the arrays; the samples satisfy them, the cancellation does not use them.
    statement: the claim in LaTeX, for a loss too long to be printed each time.
    Raises Disproved with the remainder and a counterexample, Undecided, or IndexClash where an index has two roles.
    """
    loss, printed = sp.sympify(loss), sp.sympify(printed)
    derivative = _differentiated(loss, variable).xreplace(dict(names or {}))
    if statement is None:
        statement = rf"\frac{{\partial}}{{\partial {latex(variable)}}} \left[{latex(loss)}\right] = {latex(printed)}"

    def values(sample: Sample) -> tuple[Any, Any]:
        right = sample.value(printed)
        return sample.slope(loss, variable), right

    checked = _checked(claim, statement, derivative, printed, values, names, given, where)
    return replace(checked, variable=variable, printed=printed)


def equal(
    claim: str,
    left: Any,
    right: Any,
    *,
    names: Names | None = None,
    given: Given | None = None,
    where: Sequence[Equation] = (),
) -> Checked:
    """Prove that two formulas are equal; ``names``, ``given``, ``where`` and what is raised are as for ``gradient``."""
    left, right = sp.sympify(left), sp.sympify(right)
    statement = f"{latex(left)} = {latex(right)}"
    named = left.xreplace(dict(names or {}))
    return _checked(
        claim, statement, named, right, lambda sample: (sample.value(left), sample.value(right)), names, given, where
    )


@functools.lru_cache(maxsize=64)  # many printed formulas may claim to be the same derivative
def _differentiated(loss: sp.Expr, variable: sp.Expr) -> sp.Expr:
    check_indices(loss)
    for clash in free_indices(variable) & summed_indices(loss):
        raise IndexClash(f"{variable}: index {clash} is summed in the loss; SymPy would miss all terms but one")
    derivative = loss.diff(variable)
    if derivative.has(sp.Derivative, sp.Subs, sp.nan):
        raise Undecided(f"SymPy does not evaluate the derivative with respect to {variable}: {derivative}")
    return derivative


def _checked(
    claim: str,
    statement: str,
    left: sp.Expr,
    right: sp.Expr,
    values: Callable[[Sample], tuple[Any, Any]],
    names: Names | None,
    given: Given | None,
    where: Sequence[Equation],
) -> Checked:
    difference = left - right
    check_indices(difference)
    try:
        conditions = tuple((given or {}).items())
        remainder, undecided = _normal(left, conditions) - _normal(right, conditions), None
    except Undecided as why:
        remainder, undecided = difference, why
    if undecided or not cancels(remainder):
        _refute(claim, remainder, values, samples(given, names, where))
        raise Undecided(f"{claim}: {undecided or f'does not cancel, and no sample refutes it: {remainder}'}")
    _confirm(claim, values, samples(given, names, where))
    return Checked(claim, statement)


@functools.lru_cache(maxsize=256)
def _normal(expr: sp.Expr, conditions: tuple[tuple[sp.Expr, sp.Expr], ...]) -> sp.Expr:
    return normal_form(expr, dict(conditions))


def _refute(
    claim: str, remainder: sp.Expr, values: Callable[[Sample], tuple[Any, Any]], tried: Iterator[Sample]
) -> None:
    for sample, left, right in _evaluated(values, tried):
        if _far_apart(left, right):
            where = f"at {sample}: it is {shown(left)}, not {shown(right)}"
            raise Disproved(f"{claim} is false. Remainder: {remainder}. Counterexample {where}")


def _confirm(claim: str, values: Callable[[Sample], tuple[Any, Any]], tried: Iterator[Sample]) -> None:
    """Guard against SymPy itself: what cancels must also hold in numbers."""
    confirmed = 0
    for sample, left, right in itertools.islice(_evaluated(values, tried), _CONFIRMATIONS):
        if _far_apart(left, right):
            raise Undecided(f"{claim} cancels, and yet {shown(left)} is not {shown(right)} at {sample}")
        confirmed += 1
    if not confirmed:
        raise Undecided(f"{claim} cancels, but it could be evaluated at no sample")


def _evaluated(
    values: Callable[[Sample], tuple[Any, Any]], tried: Iterator[Sample]
) -> Iterator[tuple[Sample, Any, Any]]:
    for sample in tried:
        try:
            yield sample, *values(sample)
        except Unusable:
            continue


def _far_apart(left: Any, right: Any) -> bool:
    """Whether two values differ by more than a central difference at 50 digits could be off."""
    return bool(abs(left - right) > 1e-15 * (1 + abs(left) + abs(right)))
