"""One formula in index notation to one NumPy expression."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp

from gradproof.symbolic import runtime
from gradproof.symbolic.indices import Index
from gradproof.symbolic.lowering.code import (
    ATOM,
    POWER,
    PRODUCT,
    SUM,
    Axes,
    CannotLower,
    Code,
    added,
    alike,
    common_axes,
    contraction,
    quotient,
)
from gradproof.symbolic.lowering.names import Names
from gradproof.symbolic.lowering.ranges import Parts, count, never_negative, same, within
from gradproof.symbolic.lowering.stable import logsumexp, softmax
from gradproof.symbolic.system import Axis


def _unsigned(e: sp.Expr) -> tuple[bool, sp.Expr]:
    """Whether a term is written with a minus sign, and the term without it."""
    negative = bool(e.as_coeff_Mul()[0].is_negative)
    return negative, -e if negative else e


class Expressions:
    """Lowers expressions over arrays whose axes are known.

    The caller keeps these up to date. arrays: the axes of every scalar and array that may be read, () for a scalar.
    parts: which parts of an array are computed so far, where that is not all of it. sizes: what a length may name.
    running: the indices that are integers here (of the loop around, or given as input) and not axes.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self.arrays: dict[Any, tuple[Axis, ...]] = {}
        self.parts: dict[Any, Parts] = {}
        self.sizes: set[sp.Symbol] = set()
        self.running: set[Index] = set()

    def code(self, e: sp.Expr, scope: Axes = ()) -> Code:
        """``e`` as source. scope: the indices that are axes here, in the order in which axes are made."""
        if isinstance(e, Index):
            return self._index(e, scope)
        if isinstance(e, sp.Symbol):
            return self._symbol(e)
        if e.is_Integer:
            return Code(str(e), level=SUM if e < 0 else ATOM, whole=True)
        if e.is_Rational:
            return Code(f"real({e.p})/{e.q}", level=PRODUCT)
        for kind, rule in self._RULES.items():
            if isinstance(e, kind):
                return rule(self, e, scope)
        return self._function(e, scope)

    def text(self, e: Any) -> str:
        """The source of an integer made of sizes, indices and numbers."""
        return self.code(sp.sympify(e)).text

    # ---- names and elements ---------------------------------------------------------------------------------------

    def _symbol(self, e: sp.Symbol) -> Code:
        if self.arrays.get(e, e) != () and e not in self.sizes:
            raise CannotLower(f"{e} is neither an input, nor a size of one, nor computed by an earlier equation")
        return Code(self.names.of(e), whole=bool(e.is_integer))

    def _index(self, i: Index, scope: Axes) -> Code:
        if i in self.running:
            return Code(self.names.of(i), whole=True)
        if i not in scope:
            raise CannotLower(f"index {i} is neither summed, nor an axis of the result, nor an input")
        first = "" if i.lower == 0 else f"{self.text(i.lower)}, "
        return Code(f"arange({first}{self.text(i.upper + 1)})", (i,), whole=True)

    def _element(self, e: sp.Indexed, scope: Axes) -> Code:
        if e.base not in self.arrays:
            raise CannotLower(f"{e.base} is neither an input nor computed by an earlier equation")
        axes = self.arrays[e.base]
        if len(axes) != len(e.indices):
            raise CannotLower(f"{e} has {len(e.indices)} indices, but {e.base} has {len(axes)} axes")
        if e.base in self.parts and not self.parts[e.base].has(e.indices):
            raise CannotLower(f"{e} is read before it is computed")
        taken = [self._place(e, index, axis, scope) for index, axis in zip(e.indices, axes, strict=True)]
        places = [text for text, _ in taken]
        while places and places[-1] == ":":
            places.pop()
        named = self.names.of(e.base)
        found = tuple(i for _, i in taken if i is not None)
        code = Code(f"{named}[{', '.join(places)}]" if places else named, found, whole=bool(e.base.is_integer))
        distinct = tuple(dict.fromkeys(found))
        return code if distinct == found else contraction([code], distinct)  # a repeated index takes the diagonal

    def _place(self, e: sp.Indexed, index: Any, axis: Axis, scope: Axes) -> tuple[str, Index | None]:
        """Where ``index`` reads along one axis: a slice and the index that runs through it, or one place."""
        low, high = axis
        if not within(index, low, high):
            raise CannotLower(f"{e} may leave its array: is {index} always in {low}..{high}?")
        moving = [i for i in scope if index.has(i)]
        if not moving:
            return self.text(sp.expand(index - low)), None
        (i,) = moving if len(moving) == 1 else (None,)
        if i is None or (index - i).has(i):
            raise CannotLower(f"{e}: {index} is not one index plus a constant, so it is no slice")
        start, stop = sp.expand(index.xreplace({i: i.lower}) - low), sp.expand(index.xreplace({i: i.upper}) + 1 - low)
        if not never_negative(stop):  # NumPy would count from the other end
            raise CannotLower(f"{e}: the slice may end at {stop}, before the array begins")
        ends_with_array = same(stop, count(low, high))
        return f"{'' if start == 0 else self.text(start)}:{'' if ends_with_array else self.text(stop)}", i

    # ---- arithmetic -----------------------------------------------------------------------------------------------

    def _sum_of_terms(self, e: sp.Add, scope: Axes) -> Code:
        terms = e.as_ordered_terms("grlex")  # as on paper: w x + b
        signed = [_unsigned(term) for term in sorted(terms, key=lambda term: not term.has(sp.Sum))]
        return added([(negative, self.code(term, scope)) for negative, term in signed], scope)

    def _product(self, e: sp.Expr, scope: Axes) -> Code:
        negative, e = _unsigned(e)
        if negative:
            return added([(True, self.code(e, scope))], scope)
        above, below = self._fraction(e)
        return quotient([self.code(f, scope) for f in above], [self.code(f, scope) for f in below], scope)

    @staticmethod
    def _fraction(e: sp.Expr) -> tuple[list[sp.Expr], list[sp.Expr]]:
        """The factors above and below the line."""
        above, below = sp.fraction(e, exact=True)
        factors = [part.as_ordered_factors() if part.is_Mul else [part] for part in (above, below)]
        return factors[0], [] if below == 1 else factors[1]

    def _power(self, e: sp.Pow, scope: Axes) -> Code:
        if e.exp.could_extract_minus_sign():
            return self._product(e, scope)
        if e.exp == sp.Rational(1, 2):
            base = self.code(e.base, scope).real()
            return Code(f"sqrt({base.text})", base.axes)
        if not e.exp.is_integer:
            raise CannotLower(f"the power {e}: only integers and square roots are known")
        base, exponent = self.code(e.base, scope), self.code(e.exp, scope)
        axes = common_axes([base, exponent], scope)
        text = f"{base.along(axes).within(ATOM)}**{exponent.along(axes).within(ATOM)}"
        return Code(text, axes, POWER, base.whole and exponent.whole)

    def _summed(self, e: sp.Sum, scope: Axes) -> Code:
        bound = tuple(i for i, *_ in e.limits)
        if any(end.has(*scope, *bound) for _, *ends in e.limits for end in ends):
            raise CannotLower(f"the ends of the sum over {', '.join(map(str, bound))} depend on another axis")
        inner, terms = scope + bound, sp.Add.make_args(e.function)
        if len(terms) > 1 and len({frozenset(self.code(term, inner).axes) for term in terms}) == 1:
            terms = (e.function,)
        parts = [(negative, self._summed_product(term, bound, scope)) for negative, term in map(_unsigned, terms)]
        return added(parts, scope) if len(parts) > 1 or parts[0][0] else parts[0][1]

    def _summed_product(self, f: sp.Expr, bound: Axes, scope: Axes) -> Code:
        """The sum of one product: what does not depend on a summed index is taken out, the rest is contracted."""
        inner = scope + bound
        factors = [[self.code(g, inner) for g in part] for part in self._fraction(f)]
        outside: list[list[Code]] = [[], []]
        groups: dict[Axes, list[list[Code]]] = {}
        for side, codes in enumerate(factors):
            for code in codes:
                depends = set(code.axes) & set(bound)
                (groups.setdefault(code.axes, [[], []]) if depends else outside)[side].append(code)
        for i in bound:
            if not any(i in axes for axes in groups):
                outside[0].append(self._count(i))
        operands = [quotient(above, below, inner) for above, below in groups.values()]
        if operands:
            present = {i for axes in groups for i in axes}
            outside[0].append(contraction(operands, tuple(i for i in scope if i in present)))
        return quotient(outside[0], outside[1], scope)

    def _count(self, i: Index) -> Code:
        """How many values an index has that the summand does not depend on."""
        number = count(i.lower, i.upper)
        return self.code(number if never_negative(number) else sp.Max(0, number))

    # ---- functions ------------------------------------------------------------------------------------------------

    def _delta(self, e: sp.KroneckerDelta, scope: Axes) -> Code:
        return self._call("delta", e.args, scope, whole=True)

    def _extreme(self, e: Any, scope: Axes) -> Code:
        parts = [self.code(argument, scope) for argument in sorted(e.args, key=lambda a: bool(a.is_number))]
        name = "max" if isinstance(e, sp.Max) else "min"
        if all(part.whole and not part.axes for part in parts):
            return Code(f"{name}({', '.join(part.text for part in parts)})", whole=True)
        parts, axes = alike(parts), common_axes(parts, scope)
        first, *rest = [part.along(axes).text for part in parts]
        for other in rest:
            first = f"{name}imum({first}, {other})"
        return Code(first, axes, whole=parts[0].whole)

    def _step(self, e: sp.Heaviside, scope: Axes) -> Code:
        return self._call("step", e.args[:1], scope, whole=True)

    def _cases(self, e: sp.Piecewise, scope: Axes) -> Code:
        (value, condition), *others = e.args
        if condition == sp.true:
            return self.code(value, scope)
        if not others or type(condition) not in self._RELATIONS:
            raise CannotLower(f"the cases of {e}")
        sides = [self.code(side, scope) for side in condition.args]
        parts = [*sides, *alike([self.code(value, scope), self.code(sp.Piecewise(*others), scope)])]
        axes = common_axes(parts, scope)
        left, right, then, otherwise = [part.along(axes) for part in parts]
        test = f"{left.within(SUM)} {self._RELATIONS[type(condition)]} {right.within(SUM)}"
        return Code(f"where({test}, {then.text}, {otherwise.text})", axes, whole=then.whole)

    _RELATIONS: Mapping[Any, str] = {
        sp.StrictGreaterThan: ">",
        sp.StrictLessThan: "<",
        sp.GreaterThan: ">=",
        sp.LessThan: "<=",
    }

    def _softmax(self, e: softmax, scope: Axes) -> Code:
        z, i, k = e.args
        if i not in scope:
            return self.code(sp.exp(z - logsumexp(z.xreplace({i: k}), k)), scope)
        return self._along_last("softmax", self.code(z, scope), i, scope, keep=True)

    def _logsumexp(self, e: logsumexp, scope: Axes) -> Code:
        z, k = e.args
        if any(end.has(*scope) for end in (k.lower, k.upper)):
            raise CannotLower(f"the ends of the sum over {k} depend on another axis")
        return self._along_last("logsumexp", self.code(z, (*scope, k)), k, scope, keep=False)

    @staticmethod
    def _along_last(name: str, z: Code, i: Index, scope: Axes, keep: bool) -> Code:
        """A function of the last axis of an array: that of index ``i``."""
        others = tuple(j for j in z.axes if j != i)
        return Code(f"{name}({z.along((*others, i)).text})", (*others, i) if keep else others)

    def _function(self, e: sp.Expr, scope: Axes) -> Code:
        name = type(e).__name__
        if isinstance(e, sp.Function) and name in runtime.ELEMENTWISE and len(e.args) == 1:
            argument = self.code(e.args[0], scope).real()
            return Code(f"{name}({argument.text})", argument.axes)
        if isinstance(e, sp.Function) and hasattr(e, "definition"):
            return self.code(e.definition(*e.args), scope)
        raise CannotLower(f"{e}: {name} is not among {', '.join(sorted(runtime.ELEMENTWISE))}")

    def _call(self, name: str, args: Sequence[Any], scope: Axes, whole: bool) -> Code:
        parts = [self.code(argument, scope) for argument in args]
        axes = common_axes(parts, scope)
        return Code(f"{name}({', '.join(part.along(axes).text for part in parts)})", axes, whole=whole)

    _RULES: Mapping[Any, Callable[[Expressions, Any, Axes], Code]] = {
        sp.Indexed: _element,
        sp.Sum: _summed,
        sp.Add: _sum_of_terms,
        sp.Mul: _product,
        sp.Pow: _power,
        sp.KroneckerDelta: _delta,
        sp.Max: _extreme,
        sp.Min: _extreme,
        sp.Heaviside: _step,
        sp.Piecewise: _cases,
        softmax: _softmax,
        logsumexp: _logsumexp,
    }
