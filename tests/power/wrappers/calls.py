"""Gradients that depend on earlier calls: late, remembered, added up, or in memory that the next call writes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.power.wrappers.wrap import Arrays, Gradients, Spoil, Turn, changed, copied, is_layer, is_sized, wrap

KIND = "memory of earlier calls"
SHARED = "shared memory"

next_keys = Turn(first=0)


def form(g: Arrays) -> Any:
    return tuple((name, np.shape(gradient), np.asarray(gradient).dtype) for name, gradient in g.items())


def one_call_late(correct: Gradients) -> Gradients:
    before: dict[Any, Arrays] = {}

    def gradients(*args: Any) -> Arrays:
        now = correct(*args)
        late, before[form(now)] = before.get(form(now), now), now
        return copied(late)

    return gradients


def remembered(signature: Callable[[Arrays, Arrays], Any]) -> Spoil:
    """The first gradients for each value of ``signature(params, data)``, as long as the form fits."""

    def spoil(correct: Gradients) -> Gradients:
        known: dict[Any, Any] = {}

        def gradients(params: Arrays, data: Arrays, *upstream: Any) -> Arrays:
            now = correct(params, data, *upstream)
            # The arguments are kept, or another array could get the id of one that is gone.
            first, *_ = known.setdefault((signature(params, data), form(now)), (now, params, data, upstream))
            return copied(first)

        return gradients

    return spoil


def accumulating(share: float) -> Spoil:
    """Gradients on top of a share of what was returned before: 1 for sums that are never reset."""

    def spoil(correct: Gradients) -> Gradients:
        sums: dict[tuple[Any, str], Any] = {}

        def gradients(*args: Any) -> Arrays:
            now = correct(*args)
            for name, gradient in now.items():
                before = sums.get((form(now), name), np.zeros_like(gradient))
                sums[form(now), name] = changed(lambda g, before=before: g + share * before, gradient)
            return copied({name: sums[form(now), name] for name in now})

        return gradients

    return spoil


def every_third_doubled(correct: Gradients) -> Gradients:
    calls = 0

    def gradients(*args: Any) -> Arrays:
        nonlocal calls
        calls += 1
        return {
            name: changed(lambda g: g * (1 if calls % 3 else 2), gradient) for name, gradient in correct(*args).items()
        }

    return gradients


def in_one_buffer(correct: Gradients) -> Gradients:
    buffers: dict[Any, Arrays] = {}

    def gradients(*args: Any) -> Arrays:
        now = correct(*args)
        buffer = buffers.setdefault(form(now), copied(now))
        for name, gradient in now.items():
            buffer[name][...] = gradient
        return dict(buffer)

    return gradients


def values(arrays: Arrays) -> tuple[bytes, ...]:
    return tuple(np.asarray(array).tobytes() for array in arrays.values())


def objects(arrays: Arrays) -> tuple[int, ...]:
    return tuple(id(array) for array in arrays.values() if isinstance(array, np.ndarray))


def first_entries(arrays: Arrays) -> tuple[float, ...]:
    return tuple(float(np.ravel(array)[0]) for array in arrays.values())


WRAPPERS = (
    *wrap(KIND, "the gradients of the call before", one_call_late, *next_keys(6)),
    *wrap(
        KIND,
        "the first result for the same array objects",
        remembered(lambda params, data: (objects(params), objects(data))),
        *next_keys(5),
    ),
    *wrap(KIND, "the first result for the same shapes", remembered(lambda params, data: ()), *next_keys(6)),
    *wrap(
        KIND,
        "the first result for the same parameters, whatever the data",
        remembered(lambda params, data: values(params)),
        *next_keys(5, is_sized),
    ),
    *wrap(
        KIND,
        "the first result for the same first entries",
        remembered(lambda params, data: first_entries(params)),
        *next_keys(4, is_sized),
    ),
    *wrap(
        KIND,
        "the upstream of the first call on the same values",
        remembered(lambda params, data: (values(params), values(data))),
        *next_keys(4, is_layer),
    ),
    *wrap(KIND, "sums that are never reset", accumulating(1.0), *next_keys(6)),
    *wrap(KIND, "a moving average over the calls", accumulating(0.1), *next_keys(4)),
    *wrap(KIND, "every third call doubled", every_third_doubled, *next_keys(4)),
    *wrap(SHARED, "one buffer for all calls", in_one_buffer, *next_keys(6)),
)
