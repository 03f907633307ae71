"""The numbers under which the other process keeps what this one has, for as long as this one has it."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from numpy import ndarray


class Cache:
    """What a forward pass left for the backward pass; the values stay in the other process, under ``number``."""

    def __init__(self, number: int, handles: Handles) -> None:
        self.number, self.handles = number, handles


@dataclass(frozen=True)
class Entry:
    """An array that both processes have. shares: the numbers of older arrays with which it shares memory over there."""

    array: weakref.ref[ndarray]
    number: int
    shares: frozenset[int] = frozenset()


class Handles:
    """Arrays and caches by number: arrays sent from here have negative ones, what was returned has positive ones."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.gone: list[int] = []
        self.own = count(-1, -1)

    def number(self, array: ndarray) -> int:
        """The number of an array, a new one where it has none yet."""
        known = self.known(array)
        return known.number if known else self.adopt(array, next(self.own))

    def adopt(self, array: ndarray, number: int, shares: Iterable[int] = ()) -> int:
        key = id(array)

        def drop(_: object) -> None:
            self.entries.pop(key, None)  # before another array can have this id
            self.gone.append(number)

        self.entries[key] = Entry(weakref.ref(array, drop), number, frozenset(shares))
        return number

    def known(self, array: ndarray) -> Entry | None:
        entry = self.entries.get(id(array))
        return entry if entry and entry.array() is array else None

    def cache(self, number: int) -> Cache:
        cache = Cache(number, self)
        weakref.finalize(cache, self.gone.append, number).atexit = False
        return cache

    def forgotten(self) -> list[int]:
        """What is gone since the last time this was asked."""
        gone, self.gone[:] = self.gone.copy(), []
        return gone
