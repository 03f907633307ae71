"""Mutants that no test need notice, each with the reason: what is computed is the same, or as good for everybody."""

from __future__ import annotations

REASONS: dict[str, tuple[str, ...]] = {
    "A slope of 0 is refused two lines before.": (
        "gradproof.symbolic.indices:is_never_negative: comparison: slope > 0 -> slope >= 0",
    ),
    "is_never_negative expands what it is given, which makes a SymPy number of an integer.": (
        "gradproof.symbolic.recurrence:_hull: call: sp.sympify(high - other) -> high - other",
    ),
    "Passed on by `or`, which makes no difference between the two.": (
        "gradproof.verify:Check.random: result: return [] -> return None",
    ),
    "The entries of a shape are integers already.": (
        "gradproof.duck:DuckArray.__len__: call: int(self.shape[0]) -> self.shape[0]",
    ),
    "Any other seed does for another attempt.": (
        "gradproof.verify:Check.random: arithmetic: seed + attempt * 1000003 -> seed - attempt * 1000003",
    ),
    "x + -1 is the same number as x - 1.": ("gradproof.symbolic.lowering.shapes:_told: constant: 0 -> 1 (3)",),
    "One smaller step more; a remainder below what rounding costs is left out anyway.": (
        "gradproof.oracles.central_difference:taylor: constant: 14 -> 15",
    ),
    ".T turns round the axes of an array of any number of them.": (
        "gradproof.symbolic.lowering.code:Code._transposed: boolean: len(kept) == 2 and kept == self.axes[::-1] -> "
        "kept == self.axes[::-1]",
    ),
    "There is always a part.": (
        "gradproof.symbolic.lowering.code:common_axes: argument: max((part.axes for part in parts), key=len, "
        "default=()) -> max((part.axes for part in parts), key=len)",
    ),
    "The ends of an index are SymPy's.": ("gradproof.symbolic.lowering.shapes:whole: call: sp.sympify(end) -> end",),
    "Adding entries up one by one gives what writing them gives, only more slowly.": (
        "gradproof.tape.linear:scatter: comparison: times.max(initial=0) <= 1 -> times.max(initial=0) < 1",
    ),
    "How much more than the tape's own error is admitted is a choice; three times is as right as twice.": (
        "gradproof.oracles.complex_step:rounding: constant: 2 -> 3",
    ),
    "No loss has so many parameters.": (
        "gradproof.oracles.tape:TapeOracle: constant: 9 -> 10",
        "gradproof.oracles.autograd:AutogradOracle: constant: 9 -> 10",
        "gradproof.oracles.derivation:DerivationOracle: constant: 10 -> 11",
    ),
    "The indices of an element are SymPy's, and so are the ends of an index.": (
        "gradproof.symbolic.recurrence:_places.value: call: sp.sympify(end) -> end",
    ),
    "What equations and indices hold is a SymPy expression.": (
        "gradproof.symbolic.brute_force:_without_indices: call: sp.sympify(expr) -> expr",
    ),
    "Two such numbers are equal by chance only; either step is then good.": (
        "gradproof.oracles.central_difference:best_slope: comparison: error <= 64 * noise[0] / (first * scale) -> "
        "error < 64 * noise[0] / (first * scale)",
    ),
    "All that is asked of the number is whether there was one.": (
        "gradproof.symbolic.prove:_confirm: augmented: confirmed += 1 -> confirmed = 1",
    ),
    "No set has a size of -2 either.": ("gradproof.symbolic.lowering.program:needed: constant: 1 -> 2",),
    "Where exactly as many as wanted were judged, eight more do no harm.": (
        "gradproof.verify:Check.random: comparison: self.points >= wanted -> self.points > wanted",
    ),
    "SymPy's integers calculate as Python's do.": (
        "gradproof.symbolic.samples:Sample._value: call: int(expr) -> expr",
    ),
    "A maximum is the same in any order; that numbers come last is for the reader.": (
        "gradproof.symbolic.lowering.expressions:Expressions._extreme: call: sorted(e.args, key=lambda a: "
        "bool(a.is_number)) -> e.args",
    ),
    "The parts are only counted and gone through.": (
        "gradproof.objective:leaves: call: list(structure.values()) -> structure.values()",
    ),
    "An array of one integer and no axes is as good an index.": (
        "gradproof.symbolic.lowering.shapes:whole: call: int(integers) -> integers",
    ),
    "NumPy's floats are known by is_float; what else is no array is handed over as it is in either case.": (
        "gradproof.sampling:numeric: alternative: np.ndarray | np.generic -> np.ndarray",
    ),
    "Any element of a sum may be the one that is solved for.": (
        "gradproof.symbolic.brute_force:_solved_conditions: call: sorted(_without_indices(sums, at).free_symbols, "
        "key=str) -> _without_indices(sums, at).free_symbols",
    ),
    "The imaginary part is zero either way.": (
        "gradproof.oracles.analytic: arithmetic: np.sign(np.real(x)) + 0j -> np.sign(np.real(x)) - 0j",
    ),
    "3**-53 is another step that is small enough.": ("gradproof.oracles.multiprecision: constant: 2 -> 3",),
    "At 0 the slope by the exponent is 0, or not finite in either case.": (
        "gradproof.tape.elementwise:power: comparison: x.value < 0 -> x.value <= 0",
    ),
    "The other phases have nothing to do here: no examples, no database, no targets.": (
        "gradproof.sampling:search: argument: … settings(max_examples=examples, phases=(Phase.generate, "
        "Phase.shrink), … -> … settings(max_examples=examples, …",
    ),
    "What is then said of a half of a maximum is true as well.": (
        "gradproof.symbolic.lowering.ranges:never_negative: boolean: not slope.is_Integer or slope == 0 -> slope == 0 "
        "(2)",
    ),
    "SymPy leaves a part alone that None is to replace; 1/(1 + exp(z)) has its 0 or 1 without a sigmoid, too.": (
        "gradproof.symbolic.lowering.stable:_normalised: result: return sp.Mul(*others, *[sp.exp(z) for z in "
        "exponents]) -> return None",
    ),
    "SymPy leaves a part alone that None is to replace, and here it is to be left alone.": (
        "gradproof.symbolic.lowering.stable:_logarithm: result: return sp.log(z) -> return None",
    ),
    "Other small sizes are as good.": (
        "gradproof.symbolic.samples: constant: 6 -> 7",
        "gradproof.symbolic.samples: constant: 2 -> 3 (5)",
    ),
    "range(0, n) is range(n).": (
        "gradproof.symbolic.lowering.program:Program._loop: name: along.lower -> along.upper",
    ),
    "Of the pairs of steps the first one shows a kink best, the last one worst.": (
        "gradproof.oracles.central_difference:richardson: constant: 1 -> 2 (13)",
    ),
    "No index is used outside of its sum, nor by a sum within it: check_indices sees to that.": (
        "gradproof.symbolic.samples:Sample._with: condition: outer is None -> not outer is None",
    ),
    "The sum over an axis of length 1 is what was there.": (
        "gradproof.tape.elementwise:fit: boolean: n == 1 and array.shape[k] != 1 -> n == 1",
    ),
    "It is about what Python shows of the object.": (
        "gradproof.symbolic.lowering.lowered:Lowered: argument: field(repr=False) -> field()",
    ),
    "Two statements in place of one read the same two sizes.": (
        "gradproof.symbolic.lowering.shapes:reading: constant: 1 -> 2",
    ),
    "The order decides how much is found, and that it is the same in every run, not whether it is true.": (
        "gradproof.symbolic.lowering.ranges:never_negative: call: sorted(least.atoms(sp.Max, sp.Min), key=lambda "
        "extreme: (least.coeff(extreme) == 0, str(extreme))) -> least.atoms(sp.Max, sp.Min)",
    ),
    "What is not multiplied out here is multiplied out later, term by term.": (
        "gradproof.symbolic.sums:_terms: call: sp.expand(expr.function.xreplace(own), **_EXPAND) -> "
        "expr.function.xreplace(own)",
    ),
    "SymPy always says which argument it differentiates by.": (
        "gradproof.symbolic.brute_force:exponential.fdiff: constant: 1 -> 2",
    ),
    "Where the pairs of steps differ about a kink, so do the levels of the tableau, which is admitted too.": (
        "gradproof.oracles.central_difference:richardson: name: max -> min (5)",
    ),
    "The general way gives the same, only more slowly.": (
        "gradproof.oracles.forward.functions: entry: {operator.getitem: item, np.matmul: matmul, np.sum: total, "
        "np.einsum: einsum, np.where: where} -> {operator.getitem: item, np.matmul: matmul, np.sum: total, np.einsum: "
        "einsum}",
        "gradproof.oracles.forward.functions:is_product: comparison: len(set(term)) == len(term) -> len(set(term)) != "
        "len(term)",
        "gradproof.oracles.forward.functions:is_product: result: return len(terms) == 2 and all((len(set(term)) == "
        "len(term) for term in terms)) -> return None",
        "gradproof.oracles.forward.arrays:Forward.index: sign: not isinstance(part, bool) -> isinstance(part, bool)",
    ),
    "Nothing writes into what may be the same array.": (
        "gradproof.oracles.forward.arrays:Forward.narrow: argument: self.value.astype(self.run.dtype, copy=False) -> "
        "self.value.astype(self.run.dtype)",
    ),
    "A step is as small with one more factor of two.": (
        "gradproof.oracles.forward.arrays:small_beside: constant: 0 -> 1",
    ),
    "The first adjoint says whose it is.": ("gradproof.tape.arrays:Node.__init__: constant: False -> True (2)",),
    "Only the sign of the side counts.": ("gradproof.tape.arrays:Tape.__init__: constant: 1 -> 2 (2)",),
}
"""By reason, the names of the mutants that it is true of."""

JUSTIFIED = {name: reason for reason, names in REASONS.items() for name in names}
