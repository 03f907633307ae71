"""Mistakes that any gradient can have, looked for without knowing its formula."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from gradproof.diagnosis.evidence import Array, Evidence, Explanation
from gradproof.diagnosis.generic import known_forms, left_out
from gradproof.diagnosis.generic.forms import TELLING, explained, fitted
from gradproof.diagnosis.generic.limited import Words, limited


def explanations(evidence: Sequence[Evidence]) -> list[Explanation]:
    """What reproduces the claimed gradients of wrong parameters at every point, the likeliest first.

    evidence: points of pairwise different sizes, as far as the ranges allow; of fewer than three nothing is said. A
    mistake is an explanation where it is the claim at every point at which it can be made, and clearly not the exact
    gradient at two of them. Parameters with the same mistake share one explanation.
    """
    if len(evidence) <= TELLING:
        return []
    parameters = [name for name in evidence[0].known.gradients if any(name in e.wrong for e in evidence)]
    with np.errstate(all="ignore"):  # a part may divide by a gradient's zeros; what is not finite reproduces nothing
        found = {name: dict(mistakes(evidence, name)) for name in parameters}
        shared = list(exchanged(evidence, parameters))
    for words in dict.fromkeys(itertools.chain(*found.values())):
        names = frozenset(name for name in parameters if words in found[name])
        shared.append(Explanation(words, names, max(found[name][words] for name in names)))
    return sorted(shared, key=lambda explanation: (explanation.weight, -len(explanation.parameters)))


def mistakes(evidence: Sequence[Evidence], name: str) -> Iterator[Words]:
    """Words and weight of every mistake that explains the claimed gradient of one parameter."""
    for form in itertools.chain(known_forms.forms(evidence[0], name), left_out.forms(evidence)):
        if found := fitted(form, evidence, name):
            yield found.words, found.weight
    yield from limited(evidence, name)
    yield from not_summed(evidence, name)


def not_summed(evidence: Sequence[Evidence], name: str) -> Iterator[Words]:
    """A claim with an axis too many: its sum or mean along that axis is the exact gradient."""
    rank = evidence[0].known.gradients[name].ndim
    if any(name not in e.claimed or e.claimed[name].ndim != rank + 1 for e in evidence):
        return
    for axis in range(rank + 1):
        if sum(e.claimed[name].shape[axis] > 1 for e in evidence) < TELLING:
            continue
        over = axis_name(evidence, name, axis) or known_forms.along(axis, rank + 1)
        for how, added in (("summed", np.sum), ("averaged", np.mean)):
            if all(is_exact(e, name, added(e.claimed[name], axis=axis)) for e in evidence):
                yield f"the exact one before it is {how} {over}", 0


def is_exact(evidence: Evidence, name: str, value: Array) -> bool:
    exact = evidence.known.gradients[name]
    return exact.shape == value.shape and bool(np.all(np.abs(value - exact) <= evidence.allowed(name, value)))


def axis_name(evidence: Sequence[Evidence], name: str, axis: int) -> str:
    """Along which size an axis of the claims is, where just one is as long at every point."""
    lengths = [e.claimed[name].shape[axis] for e in evidence]
    sizes = [dict(e.point.place.sizes) for e in evidence]
    fitting = [size for size in sizes[0] if [values[size] for values in sizes] == lengths]
    return f"over {fitting[0]}" if len(fitting) == 1 else ""


def exchanged(evidence: Sequence[Evidence], parameters: Sequence[str]) -> Iterator[Explanation]:
    """Two parameters whose gradients stand in each other's place."""
    for one, other in itertools.combinations(parameters, 2):
        if stands_for(evidence, one, other) and stands_for(evidence, other, one):
            yield Explanation("each other's: the two are exchanged", frozenset((one, other)))


def stands_for(evidence: Sequence[Evidence], one: str, other: str) -> bool:
    """Whether the gradient of ``one`` is claimed as that of ``other``."""
    return explained(evidence, other, lambda e: e.known.gradients[one])
