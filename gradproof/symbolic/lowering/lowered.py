"""The function a system becomes: inputs by name, checked against the declared axes, to gradients by name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradproof.symbolic import runtime
from gradproof.symbolic.lowering.program import emit
from gradproof.symbolic.lowering.shapes import WrongInputs, is_whole, sizes_of, whole
from gradproof.symbolic.system import System

UPSTREAM = "upstream"
"""The input of a layer's system that holds the gradient flowing in."""


@dataclass(frozen=True, eq=False)
class Lowered:
    """A system as a function.

    source: the text of a Python function ``gradients`` of the inputs, in the order of ``system.inputs``.
    """

    source: str
    system: System
    _function: Callable[..., Mapping[str, Any]] = field(repr=False)

    def __call__(self, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The gradients at ``inputs``; names the system does not declare are ignored.

        The arrays may have any one floating dtype, or hold mpmath numbers; results have the widest of them, every
        constant included. Integers (labels, sizes) stay integers where the system declares an index or a size, and
        are converted elsewhere. Raises WrongInputs.
        """
        declared = self.system.inputs
        if missing := declared.keys() - inputs.keys():
            raise WrongInputs(f"missing: {', '.join(sorted(missing))}")
        arrays = {name: np.asarray(inputs[name]) for name in declared}
        sizes = sizes_of(self.system, arrays)
        like = widest(arrays[name] for name, (symbol, _) in declared.items() if not is_whole(symbol))
        arguments = [
            whole(name, symbol, arrays[name], sizes) if is_whole(symbol) else runtime.as_precise(arrays[name], like)
            for name, (symbol, _) in declared.items()
        ]
        with np.errstate(all="ignore"):
            results = self._function(*arguments)
        return {name: np.array(runtime.as_precise(value, like)) for name, value in results.items()}


def lower(system: System) -> Lowered:
    """A system as a function. Raises CannotLower where an index may leave its array, or a function is unknown."""
    source = emit(system)
    space = dict(runtime.NAMES)
    exec(compile(source, "<lowered>", "exec"), space)
    return Lowered(source, system, space["gradients"])


def derived(system: Callable[[], System]) -> Callable[[Any, Any, Any], dict[str, np.ndarray]]:
    """``derived(params, data, upstream) -> gradients`` for a Problem; lowered when it is first asked."""
    lowered = functools.cache(lambda: lower(system()))

    def gradients(params: Mapping[str, Any], data: Mapping[str, Any], upstream: Any = None) -> dict[str, np.ndarray]:
        return lowered()({**data, **params, UPSTREAM: upstream})

    return gradients


def widest(arrays: Any) -> Any:
    """An array whose dtype is that of the results: object where there are mpmath numbers, else the widest float's."""
    candidates = [array for array in arrays if array.dtype.kind in "fO"]
    objects = [array for array in candidates if array.dtype == object]
    return objects[0] if objects else np.zeros((), np.result_type(*candidates) if candidates else np.float64)
