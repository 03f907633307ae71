"""The arrays that somebody's code gets, the same objects every time, and what it returned, as long as it is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from numpy import dtype, empty, ndarray, uint8, zeros

from gradproof.convention import overlap
from gradproof.isolation.wire import Spec


class Memory:
    """Values by number: arrays that were sent here have negative ones; caches and returned arrays positive ones.

    inside: a view of each array that was sent, for their code may reshape or lock the array itself. sent: the bytes of
    those that came with the last request.
    """

    def __init__(self) -> None:
        self.kept: dict[int, Any] = {}
        self.inside: dict[int, ndarray] = {}
        self.sent: dict[int, bytes] = {}
        self.numbers = count(1)

    def keep(self, value: Any) -> int:
        number = next(self.numbers)
        self.kept[number] = value
        return number

    def forget(self, numbers: Iterable[int]) -> None:
        """At the start of a request: what the other side no longer has."""
        self.sent.clear()
        for number in numbers:
            self.kept.pop(number, None)
            self.inside.pop(number, None)

    def received(self, spec: Spec, values: ndarray) -> ndarray:
        """The array of this number, with the values that it now has."""
        number = spec["number"]
        if number not in self.kept:
            self.kept[number] = laid_out(spec["shape"], spec["dtype"], tuple(spec["strides"]))
            self.inside[number] = self.kept[number].view()
        self.inside[number][...] = values
        self.sent[number] = values.tobytes()
        return self.kept[number]

    def changed(self) -> Iterator[tuple[int, ndarray]]:
        """Those of the arrays in the request whose bytes are others now."""
        return ((n, self.inside[n]) for n, before in self.sent.items() if self.inside[n].tobytes() != before)

    def described(self, array: ndarray) -> Spec:
        """A returned array: its number from now on, and those of the arrays with which it shares memory."""
        if any(array is changed for changed in self.inside.values()):
            return {}
        arrays = [(n, other) for n, other in self.kept.items() if isinstance(other, ndarray)]
        shares = [n for n, other in arrays if overlap(array, other)]
        return {"number": self.keep(array), "shares": shares}


def laid_out(shape: tuple[int, ...], kind: dtype[Any], strides: tuple[int, ...]) -> ndarray:
    """An array of this form in memory of its own: in any order, or spread over more memory than it fills."""
    array = empty(shape, kind)
    if array.strides == strides or not array.size:
        return array
    reach = [(n - 1) * stride for n, stride in zip(shape, strides, strict=True)]
    start = -sum(r for r in reach if r < 0)
    memory = zeros(start + sum(r for r in reach if r > 0) + kind.itemsize, uint8)
    return ndarray(shape, kind, memory, start, strides)
