"""A run divided over machines: which tests belong to which shard, the same on every machine."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from gradproof.errors import GradproofError


class CannotShard(GradproofError):
    """What was asked for is no share of a run; the message says what one looks like."""


@dataclass(frozen=True)
class Shard:
    """The share of one machine: number ``number`` of ``of``, counted from 1."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From ``K/N``, 1 <= K <= N. Raises CannotShard."""
        match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise CannotShard(f"{text!r} is not K/N with 1 <= K <= N, as in 2/4")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


@dataclass(frozen=True)
class Case:
    """What decides where a test runs: the test function it belongs to, its own name, and the keys of the records that
    it has to do with; tests that share a key, directly or through others, stay together, so that a record is whole."""

    function: str
    name: str
    keys: tuple[str, ...] = ()

    @property
    def handles(self) -> list[tuple[str, str]]:
        return [("key", key) for key in self.keys] or [("test", self.name)]


def deal(tests: Sequence[Case], shards: int) -> list[int]:
    """The number of the shard of each test, from 1: a partition that depends neither on their order nor on the machine.

    Groups of tests are dealt like cards, sorted by the test functions and then by name. Groups of a kind cost about the
    same, and more so where they have similar names, so that each shard gets its part of each.
    """
    groups = sorted(together(tests), key=lambda group: likeness([tests[index] for index in group]))
    numbers = [0] * len(tests)
    for turn, group in enumerate(groups):
        for index in group:
            numbers[index] = turn % shards + 1
    return numbers


def together(tests: Sequence[Case]) -> list[list[int]]:
    """The tests, by index, in groups that must not be divided."""
    above: dict[tuple[str, str], tuple[str, str]] = {}

    def top(handle: tuple[str, str]) -> tuple[str, str]:
        while (upper := above.setdefault(handle, handle)) != handle:
            handle = upper
        return handle

    for test in tests:
        first, *others = test.handles
        for other in others:
            above[top(other)] = top(first)
    groups = defaultdict(list)
    for index, test in enumerate(tests):
        groups[top(test.handles[0])].append(index)
    return list(groups.values())


def likeness(group: Sequence[Case]) -> tuple[list[str], tuple[str, str]]:
    """Groups that are checked by the same test functions are of a kind; the name makes the order complete."""
    return sorted({test.function for test in group}), min(min(test.handles) for test in group)
