"""Records of what is claimed, and how the two sides (what a gradient is, what computes it) meet: by key."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import Any, Protocol, TypeVar

from gradproof.errors import InvalidProblem
from gradproof.problem import Draw, Implementation, Problem, Sizes
from gradproof.symbolic.lowering import derived
from gradproof.symbolic.proof import Proof
from gradproof.symbolic.system import System


@dataclass(frozen=True, kw_only=True, eq=False)
class Formula:
    """One printed gradient: where it stands, where it holds, and its derivation.

    key: how the formula is called everywhere (test ids, reports, ``--implementation KEY=...``).
    rows: catalogue numbers it covers. source: document, section. printed: LaTeX as the source prints it.
    title: a few words for a reader. domain_text: where it holds, in words; ``domain`` is the same as a predicate.
    derive: ``derive() -> Proof``: SymPy differentiates and the printed formula must cancel, else Disproved.
    system: ``system() -> System``: the proved gradient as equations, which are lowered to the derivation oracle.
    sizes, draw, domain, frozen, fixed, pinned, also_called: as for Problem; the domain belongs to the formula, not to
    a test.
    note: what a reader of the source must know (a missing figure, a reading of a scan).
    """

    key: str
    title: str
    rows: tuple[str, ...]
    source: str
    printed: str
    domain_text: str
    derive: Callable[[], Proof]
    sizes: Mapping[str, tuple[int, int]]
    draw: Draw
    domain: Callable[[Any, Any], bool] | None = None
    frozen: Callable[[Any, Any], Mapping[str, Any]] | None = None
    system: Callable[[], System] | None = None
    fixed: tuple[str, ...] = ()
    pinned: tuple[Sizes, ...] = ()
    also_called: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    note: str = ""

    def __repr__(self) -> str:
        return f"Formula({self.key!r})"

    @cached_property
    def derived(self) -> Callable[[Any, Any, Any], Mapping[str, Any]] | None:
        """The proved formula as a program, lowered when it is first called."""
        return None if self.system is None else derived(self.system)

    def problem(self, implementation: Implementation) -> Problem:
        """The problem of checking ``implementation`` against this formula."""
        if implementation.key != self.key:
            raise InvalidProblem(f"implementation {implementation.key!r} does not belong to formula {self.key!r}")
        return Problem(
            name=self.key,
            loss=implementation.loss,
            output=implementation.output,
            autograd_loss=implementation.autograd_loss,
            autograd_kernel=implementation.autograd_kernel,
            frozen=self.frozen,
            derived=self.derived,
            system=self.system,
            sizes=self.sizes,
            draw=self.draw,
            domain=self.domain,
            fixed=self.fixed,
            pinned=self.pinned,
            also_called=self.also_called,
        )


@dataclass(frozen=True)
class Printed:
    """A number as the source prints it, digit for digit, and the precision it was computed in."""

    text: str
    dtype: str = "float64"


@dataclass(frozen=True, kw_only=True, eq=False)
class WorkedExample:
    """Numbers of a source's worked example: what is printed, and what is exact.

    key, title, rows, source, note: as for Formula. printed: name -> the number as printed (empty where the source asks
    for a number without giving one). exact: ``exact() -> {name: SymPy number}``, derived without any floating point.
    """

    key: str
    title: str
    rows: tuple[str, ...]
    source: str
    exact: Callable[[], Mapping[str, Any]]
    printed: Mapping[str, Printed] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Computation:
    """The program that computes a worked example's numbers: ``run() -> {name: number}``; a name it cannot compute here
    (torch is missing) maps to a NotRun with the reason."""

    key: str
    run: Callable[[], Mapping[str, Any]]


class Keyed(Protocol):
    """A record that is filed under a key."""

    @property
    def key(self) -> str: ...


Record = TypeVar("Record", bound=Keyed)


def collect(package: ModuleType, kind: type[Record]) -> dict[str, Record]:
    """Every record of one kind that the modules of a package define at top level, by key, in the order of the files.

    Folders in the package count too. Raises InvalidProblem when two records share a key.
    """
    records: dict[str, Record] = {}
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if info.name.endswith(".__main__"):
            continue  # a command, which importing would run
        for value in vars(importlib.import_module(info.name)).values():
            if not isinstance(value, kind):
                continue
            if records.setdefault(value.key, value) is not value:
                raise InvalidProblem(f"{info.name}: key {value.key!r} is already taken")
    return records
