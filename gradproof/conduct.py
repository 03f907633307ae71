"""What a gradient function must not do to its caller: one check a rule, all of them at every point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradproof.candidate import Candidate, Crashed
from gradproof.objective import leaves, like
from gradproof.problem import Point, Problem
from gradproof.sampling import arranged
from gradproof.verdict import Finding

Array = np.ndarray
Arrays = dict[str, Array]

Fault = tuple[str, str, str | None]
"""Kind of finding, detail, and the parameter it is about, if one."""

STRETCHES = (1024.0, -1.0, 2.0**-10)
"""Factors an upstream is multiplied by: powers of two, for which a linear backward pass gives exact multiples."""


@dataclass(frozen=True)
class Claim:
    """What the code returned at a point, once it has the right form.

    value: the forward's loss or output, where the code has_forward. gradients: arrays by parameter; a parameter whose
    gradient is missing or malformed is left out (there is a finding for it). elsewhere: the gradients on other values.
    """

    value: Any
    gradients: Arrays
    has_forward: bool = False
    elsewhere: Arrays = field(default_factory=dict)


def observe(problem: Problem, candidate: Candidate, point: Point, other: Point | None) -> tuple[Claim, list[Finding]]:
    """Call the code at ``point`` several times, around one call at ``other`` (same sizes, other values)."""
    findings: list[Finding] = []

    def note(kind: str, detail: str, parameter: str | None = None) -> None:
        if not any(f.kind == kind and f.parameter == parameter for f in findings):
            findings.append(Finding(kind, point.place, detail, parameter))

    try:
        before = snapshot(point)
        value, returned = candidate.gradients(point)
        for array in changed(point, before):
            note("mutates-input", f"{array} is changed by the call")
        if findings:  # what it returns now belongs to values nobody chose
            return Claim(value, {}), findings
        gradients = well_formed(point, returned, note)
        for fault in aliases(candidate, point, gradients):
            note(*fault)
        copies = {name: g.copy() for name, g in gradients.items()}
        for fault in repeated(problem, candidate, point, gradients, copies):
            note(*fault)
        elsewhere = {} if other is None else own_copies(candidate.gradients(other)[1])
        for fault in remembered(candidate, point, other, copies, elsewhere):
            note(*fault)
    except Crashed as crash:
        note("exception", str(crash))
        return Claim(None, {}), findings
    return Claim(value, copies, candidate.has_forward, elsewhere), findings


# Form -------------------------------------------------------------------------------------------------------------


def well_formed(point: Point, returned: Any, note: Any) -> Arrays:
    """The returned gradients that have the right name, shape and dtype; ``note`` hears of the others."""
    if not isinstance(returned, Mapping):
        note("missing", f"the code returned {type(returned).__name__}, not a mapping of parameter names to arrays")
        return {}
    returned = entries(returned)
    for name in returned:
        if name not in point.params:
            note("unexpected", f"{name!r} is no parameter; the parameters are {', '.join(point.params)}", str(name))
    gradients: Arrays = {}
    for name, param in point.params.items():
        claimed = returned.get(name)
        if type(claimed) is float and not param.ndim:  # a Python float has no dtype to be wrong
            claimed = np.asarray(claimed, param.dtype)
        if claimed is None:
            note("missing", f"no gradient of {name}" + (" (it is None)" if name in returned else ""), name)
        elif not isinstance(claimed, np.ndarray | np.generic):
            note("dtype", f"the gradient of {name} is a {type(claimed).__name__}, not an array", name)
        elif np.ma.is_masked(claimed):
            note("dtype", f"the gradient of {name} is a masked array, with entries that are masked", name)
        elif claimed.shape != param.shape:
            note("shape", f"the gradient of {name} has shape {claimed.shape}, {name} has {param.shape}", name)
        elif claimed.dtype != param.dtype:
            note("dtype", f"the gradient of {name} is {claimed.dtype}, {name} is {param.dtype}", name)
        else:
            gradients[name] = np.asarray(claimed)
    return gradients


# Memory -----------------------------------------------------------------------------------------------------------


def arrays_of(point: Point) -> dict[str, Array]:
    """Every array the code was handed, by a name for messages."""
    named = {f"the parameter {name}": value for name, value in point.params.items()}
    named |= {f"the data {name}": value for name, value in point.data.items() if isinstance(value, np.ndarray)}
    upstream = [] if point.upstream is None else leaves(point.upstream)
    return named | {"the upstream gradient" + f" {k}" * (len(upstream) > 1): u for k, u in enumerate(upstream)}


def snapshot(point: Point) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in arrays_of(point).items()}


def changed(point: Point, before: Mapping[str, bytes]) -> list[str]:
    return [name for name, array in arrays_of(point).items() if array.tobytes() != before[name]]


def aliases(candidate: Candidate, point: Point, gradients: Arrays) -> Iterator[Fault]:
    for name, gradient in gradients.items():
        for owner, array in arrays_of(point).items():
            if candidate.overlap(gradient, array):
                yield "aliases", f"the gradient of {name} shares memory with {owner}", name
        for other, second in gradients.items():
            if other > name and candidate.overlap(gradient, second):
                yield "aliases", f"the gradients of {name} and {other} share memory", name


# Calls one after another ------------------------------------------------------------------------------------------


def repeated(problem: Problem, candidate: Candidate, point: Point, gradients: Arrays, first: Arrays) -> Iterator[Fault]:
    """The same call again, as a whole and backward alone. ``first`` holds copies of ``gradients``, the first call's."""
    second = plain_arrays(candidate.gradients(point)[1])
    for name, gradient in gradients.items():
        if name in second and candidate.overlap(gradient, second[name]):
            yield (
                "aliases",
                f"the gradient of {name} is the same memory in two calls: the second overwrites the first",
                name,
            )
        elif name in second and not same_bits(first[name], second[name]):
            yield "nondeterministic", f"a second call with the same values gives other bits for {name}", name
    if candidate.has_forward:
        _, cache = candidate.forward(point)
        once = own_copies(candidate.backward(point, cache))
        for name in differing(once, plain_arrays(candidate.backward(point, cache))):
            yield "nondeterministic", f"a second backward pass on one cache gives other bits for {name}", name
    if problem.is_layer:
        yield from linear(candidate, point, first)


def remembered(
    candidate: Candidate, point: Point, other: Point | None, first: Arrays, elsewhere: Arrays
) -> Iterator[Fault]:
    """Calls on other values in between change nothing, and new values in the same arrays are seen."""
    if other is None:
        return
    for name in differing(first, plain_arrays(candidate.gradients(point)[1])):
        yield "stale", f"a call on other values in between changes the gradient of {name}", name
    if candidate.has_forward:
        _, cache = candidate.forward(point)
        candidate.forward(other)
        for name in differing(first, plain_arrays(candidate.backward(point, cache))):
            yield "stale", f"a forward pass on other values, run before the backward pass, changes {name}", name
    reused = overwrite(point, other)
    if reused is not None:
        for name in differing(elsewhere, plain_arrays(candidate.gradients(reused)[1])):
            yield "stale", f"new values in the same arrays are not seen by the gradient of {name}", name


def overwrite(point: Point, other: Point) -> Point | None:
    """A point whose arrays first hold ``point``'s values for one call and then, the same objects, ``other``'s."""
    here, there = arrays_of(point), arrays_of(other)
    if here.keys() != there.keys() or any(here[n].shape != there[n].shape for n in here):
        return None
    for name, array in here.items():
        array[...] = there[name]
    rest = {name: value for name, value in other.data.items() if not isinstance(value, np.ndarray)}
    return replace(point, data={**point.data, **rest})


def linear(candidate: Candidate, point: Point, first: Arrays) -> Iterator[Fault]:
    """A backward pass is linear in the upstream gradient, exactly so for powers of two; zero gives zero."""
    for factor in (0.0, *STRETCHES):
        parts = [
            arranged(np.asarray(u) * np.asarray(u).dtype.type(factor), point.place) for u in leaves(point.upstream)
        ]
        stretched = plain_arrays(candidate.gradients(replace(point, upstream=like(point.upstream, parts)))[1])
        for name in stretched.keys() & first.keys():
            if not is_multiple(stretched[name], first[name], factor):
                times = "zero" if not factor else f"{factor:g} times the"
                yield "nonlinear", f"{times} upstream gradient does not give {times} gradient of {name}", name


def is_multiple(stretched: Array, first: Array, factor: float) -> bool:
    if not factor:
        return not np.any(stretched)
    with np.errstate(all="ignore"):
        wanted = first * first.dtype.type(factor)
    tiny = np.finfo(first.dtype).tiny * 2.0**40  # intermediate results may leave the normal range; the bound sees them
    huge = np.finfo(first.dtype).max * 2.0**-40
    ordinary = (np.abs(first) > tiny) & (np.abs(first) < huge)
    return stretched.shape == first.shape and bool(np.all((stretched == wanted) | ~ordinary))


def plain_arrays(returned: Any) -> Arrays:
    """Arrays of a later call, as far as it returned any; its form was checked at the first."""
    if not isinstance(returned, Mapping):
        return {}
    return {n: np.asarray(g) for n, g in entries(returned).items() if isinstance(g, np.ndarray | np.generic | float)}


def entries(returned: Mapping[Any, Any]) -> dict[Any, Any]:
    """What a mapping holds, read once; what it raises when it is read becomes Crashed: it may be of any class."""
    try:
        return dict(returned.items())
    except Exception as error:
        raise Crashed(error) from error


def own_copies(returned: Any) -> Arrays:
    return {name: gradient.copy() for name, gradient in plain_arrays(returned).items()}


def differing(before: Arrays, now: Arrays) -> list[str]:
    return [name for name in before if name in now and not same_bits(before[name], now[name])]


def same_bits(a: Array, b: Array) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
