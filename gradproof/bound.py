"""How far a correct program may be from the exact gradient: computed along the tape, never chosen.

With the tape's B (in units of u) the gradient of a correct program lies within (u + u_ref) * B of the tape's: u is the
unit roundoff of the dtype under test, u_ref that of the precision the tape itself ran in. Where long double is no wider
than float64 the two are equal and the bound doubles: it is never silently the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradproof import tape as tape_module
from gradproof.errors import GradproofError, NoPrecision
from gradproof.objective import objective
from gradproof.problem import Point, Problem
from gradproof.tape import Tape, Traced

Array = np.ndarray


@dataclass(frozen=True)
class Reference:
    """The gradient a point's claims are held against.

    loss: long double; loss_bound: allowed absolute error of a program's loss. gradients, bounds: by parameter, in its
    shape: the gradient, and the allowed absolute error per entry. unused: parameters the loss is known never to touch.
    operations: how many roundings a number can meet on its way through the loss.
    computed: True where the bound comes from the tape; False where it is assumed because nothing could be traced.
    """

    loss: Any
    loss_bound: Any
    gradients: Mapping[str, Array]
    bounds: Mapping[str, Array]
    unused: frozenset[str]
    operations: int = 1
    computed: bool = True
    source: str = "tape"

    def bounds_in(self, dtype: Any, tested: Any) -> Mapping[str, Array]:
        """The bounds of a program in ``dtype``, from those of one in ``tested``."""
        ratio = allowance(dtype) / allowance(tested)
        return {name: bound * ratio for name, bound in self.bounds.items()}


def unit(dtype: Any) -> Any:
    """Unit roundoff of a dtype, in long double."""
    return np.longdouble(np.finfo(dtype).eps) / 2


def allowance(dtype: Any) -> Any:
    """u + u_ref: what one unit of the tape's B allows a program in ``dtype``."""
    return unit(dtype) + unit(tape_module.arrays.Working)


def own_error(known: Reference, tested: Any) -> Mapping[str, Any]:
    """How far the reference itself may be from the exact gradient, by parameter."""
    share = unit(tape_module.arrays.Working) / allowance(tested) if known.computed else 1
    return {name: bound * share for name, bound in known.bounds.items()}


def reference(problem: Problem, point: Point) -> Reference:
    """Gradient and bound at a point, from the tape.

    Raises CannotTrace when the loss uses what the tape cannot follow, NoPrecision where no statement is possible: the
    loss is not finite, overflows the dtype under test, or has a kink.
    """
    found, kinks = run(problem, point, side=1)
    if kinks and not joined(problem, point, found):
        raise kink(kinks)
    return found


def run(problem: Problem, point: Point, side: int) -> tuple[Reference, list[str]]:
    tape = Tape(point.dtype, side)
    params = {name: tape.parameter(value) for name, value in point.params.items()}
    nodes = {name: param.node for name, param in params.items()}
    data = {name: tape.constant(value) if is_float(value) else value for name, value in point.data.items()}
    with np.errstate(all="ignore"):
        try:
            value = objective(problem, point, data, params)(params)
        except GradproofError:
            raise
        except Exception as error:
            if tape.kinks:  # a loss need not run on both sides of one: x[x > 0] has another length
                raise kink(tape.kinks) from error
            raise
        loss = value.node if isinstance(value, Traced) else tape.lift(value)
        if not np.isfinite(loss.value):
            raise NoPrecision("the loss is not finite here")
        tape.backward(loss, np.ones((), tape_module.Working))
        if tape.overflows():
            raise NoPrecision(f"the loss overflows {tape.dtype} on the way")
    units = allowance(point.dtype)
    zero = {name: np.zeros(node.value.shape, tape_module.Working) for name, node in nodes.items()}
    gradients = {name: zero[name] if node.adjoint is None else node.adjoint for name, node in nodes.items()}
    bounds = {name: zero[name] if node.adjoint is None else units * node.bound for name, node in nodes.items()}
    if not all(np.isfinite(a).all() for a in (*gradients.values(), *bounds.values())):
        raise NoPrecision("the gradient, or how exact it can be, is not finite here")
    unused = frozenset(name for name, node in nodes.items() if node.adjoint is None)
    tape.forget()
    return Reference(loss.value, units * loss.error, gradients, bounds, unused, tape.operations), tape.kinks


def kink(operations: Iterable[str]) -> NoPrecision:
    return NoPrecision(f"the loss has a kink exactly here ({', '.join(sorted(set(operations)))})")


def joined(problem: Problem, point: Point, found: Reference) -> bool:
    """Whether what looked like a kink, with the loss and gradient ``found`` on one side, joins smoothly."""
    try:
        return agree(found, run(problem, point, side=-1)[0]) and not jumps(problem, point)
    except GradproofError:
        raise
    except Exception:  # it ran here: beside this point it does something else
        return False


def agree(first: Reference, second: Reference) -> bool:
    """Whether two one-sided losses and gradients are the same, so that what looked like a kink may be none."""
    same_loss = abs(first.loss - second.loss) <= first.loss_bound + second.loss_bound
    return bool(same_loss) and not gap(first, second)


def gap(first: Reference, second: Reference) -> Any:
    """Largest difference of two gradients beyond what their bounds explain."""
    return max(
        np.max(np.abs(first.gradients[n] - second.gradients[n]) - first.bounds[n] - second.bounds[n]).clip(0)
        for n in first.gradients
    )


def jumps(problem: Problem, point: Point) -> bool:
    """Whether the gradient jumps across the point: of a smooth loss the two sides close up as the step shrinks.

    The one-sided derivatives of ``side`` are taken operation by operation; where two kinks hide each other, as in
    max(x, 0) + max(-x, 0), only a step in the parameters shows them.
    """
    rng = np.random.default_rng([point.place.seed, 0x51])
    wide = {name: np.asarray(value, tape_module.Working) for name, value in point.params.items()}
    along = {name: rng.standard_normal(value.shape) * np.maximum(1, np.abs(value)) for name, value in wide.items()}

    def across(step: float) -> Any:
        sides = (replace(point, params={n: wide[n] + sign * step * along[n] for n in wide}) for sign in (1, -1))
        return gap(*(run(problem, side, side=1)[0] for side in sides))

    return bool(across(1e-6) > 0.1 * across(1e-3))


def is_float(value: Any) -> bool:
    """Data that take part in the arithmetic: float arrays and Python or NumPy floats."""
    return isinstance(value, float | np.floating) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")
