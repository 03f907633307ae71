"""What somebody's code returns, taken apart: the loss, if it is there, and the gradients by the names of parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradproof.styles.adapted import Unrecognised
from gradproof.styles.contract import Contract
from gradproof.styles.names import matched

Taken = tuple[Any, Any]
"""The loss or None, and the gradients by name; where they cannot be named, whatever was returned for them."""


@dataclass(frozen=True)
class Reading:
    """How the results of one function are read.

    order: what the gradients of a tuple are gradients of, one after the other; some of it may be data, whose gradients
    are dropped. loss: whether a loss may come with the gradients.
    """

    contract: Contract
    order: tuple[str, ...]
    loss: bool = True

    def __call__(self, returned: Any) -> Taken:
        """What has no known form is handed on as it is, for the engine to say what is wrong with it."""
        return min(self.ways(returned), key=self.misshapen, default=(None, returned))

    def ways(self, returned: Any) -> Iterator[Taken]:
        """The ways to read it, likeliest first."""
        if isinstance(returned, Mapping):
            yield None, self.by_name(returned)
        elif isinstance(returned, tuple | list):
            if self.loss and len(returned) > 1:
                yield from ((None, gradients) for gradients in self.in_order(returned, self.params))
                yield from self.beside_loss(returned[0], returned[1:])
                yield from self.beside_loss(returned[-1], returned[:-1])
            yield from ((None, gradients) for gradients in self.in_order(returned, self.order, self.params))
        elif len(self.contract.params) == 1:
            yield None, {self.contract.params[0]: returned}

    def beside_loss(self, loss: Any, rest: Sequence[Any]) -> Iterator[Taken]:
        if not is_number(loss):
            return
        if len(rest) == 1 and isinstance(rest[0], Mapping):
            yield loss, self.by_name(rest[0])
        else:
            nested = len(rest) == 1 and isinstance(rest[0], tuple | list)
            parts = rest[0] if nested else rest
            yield from ((loss, gradients) for gradients in self.in_order(parts, self.params, self.order))

    @property
    def params(self) -> tuple[str, ...]:
        return tuple(name for name in self.order if name in self.contract.params)

    def in_order(self, parts: Sequence[Any], *orders: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """The parts as gradients by the names of each order that is as long; those of data are left out."""
        for names in orders:
            if len(parts) == len(names):
                yield {name: part for name, part in zip(names, parts, strict=True) if name in self.contract.params}

    def by_name(self, returned: Mapping[Any, Any]) -> Mapping[Any, Any]:
        """The same with our names for theirs; gradients of data are dropped, names of nothing known are kept."""
        if all(name in self.contract.params for name in returned):
            return returned
        keys = [key for key in returned if isinstance(key, str)]
        params = matched(self.contract.spellings(*self.contract.params), keys, gradients=True)
        rest = [key for key in keys if key not in params.values()]
        data = matched(self.contract.spellings(*self.contract.data), rest, gradients=True)
        ours = {theirs: name for name, theirs in params.items()}
        return {ours.get(key, key): value for key, value in returned.items() if key not in data.values()}

    def misshapen(self, taken: Taken) -> int:
        """How many gradients have another number of axes than their parameter."""
        shapes = self.contract.shapes
        return sum(np.ndim(g) != len(shapes[name]) for name, g in taken[1].items() if name in shapes)


def in_shape_order(read: Reading, returned: Any, params: Mapping[str, Any]) -> Reading:
    """The same, with the order that the shapes of a tuple of gradients show, where its own contradicts them."""
    _, gradients = read(returned)
    if not isinstance(returned, tuple | list) or not isinstance(gradients, Mapping):
        return read
    parts, shapes = list(gradients.values()), {name: squeezed(value) for name, value in params.items()}
    if set(read.order) != set(params) or all(squeezed(gradients[name]) == shapes[name] for name in gradients):
        return read
    order = tuple(name for part in parts for name, shape in shapes.items() if shape == squeezed(part))
    return replace(read, order=order) if sorted(order) == sorted(params) else read


def squeezed(value: Any) -> tuple[int, ...]:
    """The shape without axes of length 1."""
    return tuple(n for n in np.shape(value) if n != 1)


def is_number(value: Any) -> bool:
    return np.shape(value) == () and np.asarray(value).dtype.kind in "fiu"


def returned_once(call: Callable[[], Any]) -> Any:
    """What the code returns when it is tried once; None where it raises. Raises Unrecognised, if that is what it is."""
    try:
        with np.errstate(all="ignore"):
            return call()
    except Unrecognised:
        raise
    except (Exception, SystemExit):  # whatever it is, the check meets it again and reports it
        return None


class LossAndGradients:
    """A function that returns both, as an object with forward and backward: forward computes both."""

    def __init__(self, both: Callable[[Any, Any], Taken]) -> None:
        self.both = both

    def forward(self, params: Any, data: Any) -> Taken:
        return self.both(params, data)

    def backward(self, params: Any, data: Any, cache: Any) -> Any:
        return cache
