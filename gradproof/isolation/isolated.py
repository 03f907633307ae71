"""Somebody's file as code under test: imported and run elsewhere, a Candidate here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gradproof.candidate import Candidate, Crashed
from gradproof.convention import overlap
from gradproof.errors import InvalidProblem
from gradproof.isolation.handles import Cache
from gradproof.isolation.limits import Limits
from gradproof.isolation.link import Link
from gradproof.isolation.wire import CannotTravel
from gradproof.problem import Point, Problem
from gradproof.provenance import Code, shown
from gradproof.styles.contract import Contract


@dataclass(frozen=True)
class Isolated:
    """A file, and the name in it of what is checked: a function, a class or an object, dotted where it is inside one.

    Without a name it is what the file defines (see ``gradproof.loading.subject``).
    """

    path: Path
    name: str | None = None
    limits: Limits = field(default_factory=Limits)

    def try_import(self) -> None:
        """Raises CannotLoad where the file cannot be imported or has nothing of that name."""
        link = Link(self.path, self.name, self.limits)
        link.load()
        link.close()

    @contextmanager
    def started(self, problem: Problem, contract: Contract) -> Iterator[Isolate]:
        """The code as a candidate for the problem, in a process that ends with the context. Raises CannotLoad."""
        link = Link(self.path, self.name, self.limits)
        try:
            link.load()
            link.adapt(contract)
            yield Isolate(problem, link)
        finally:
            link.close()


@dataclass(frozen=True)
class Isolate(Candidate):
    """The code under test in another process. ``code`` is the connection to it.

    style, sizes, notes: what it was taken for, the only values of sizes that it can do, and sentences for the report.
    """

    code: Link

    def __post_init__(self) -> None:
        """Whether the code has the right form was asked over there."""

    @property
    def style(self) -> str:
        return self.code.style

    @property
    def sizes(self) -> dict[str, int]:
        return self.code.sizes

    @property
    def notes(self) -> tuple[str, ...]:
        return self.code.notes + self.code.limits.not_kept()

    @property
    def has_forward(self) -> bool:
        return self.code.has_forward

    @property
    def dead(self) -> str:
        return self.code.dead

    @property
    def source(self) -> Code | None:
        """The whole file: it was not imported here, where its parts could be told apart."""
        return Code(shown(self.code.path), self.code.name or "", self.code.text)

    def forward(self, point: Point) -> tuple[Any, Any]:
        answer = self.call("forward", point.params, point.data)
        return answer.get("result"), self.code.handles.cache(answer["cache"])

    def backward(self, point: Point, cache: Any) -> Any:
        assert isinstance(cache, Cache)
        if cache.handles is not self.code.handles:
            raise Crashed("the process that had the cache of the forward pass is gone")
        args = (point.upstream,) if self.problem.is_layer else (point.params, point.data)
        return self.call("backward", cache.number, *args).get("result")

    def alone(self, point: Point) -> Any:
        extra = (point.upstream,) if self.problem.is_layer else ()
        return self.call("gradients", point.params, point.data, *extra).get("result")

    def call(self, function: Any, *args: Any) -> Any:
        try:
            return self.code.call(function, *args)
        except CannotTravel as error:
            raise InvalidProblem(
                f"{self.problem.name}: the data hold {error}, which code in a process of its own cannot be given; "
                "draw arrays, numbers and text"
            ) from error

    def overlap(self, a: np.ndarray, b: np.ndarray) -> bool:
        """Whether two arrays share memory over there, where both are from there; else, whether they do here."""
        first, second = self.code.handles.known(a), self.code.handles.known(b)
        if first is None or second is None:
            return overlap(a, b)
        return first.number in second.shares or second.number in first.shares
