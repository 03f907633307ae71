"""An assignment as its teacher writes it, in TOML: which formulas, in which files, for how many points."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradproof.documents import Catalogue
from gradproof.errors import GradproofError
from gradproof.isolation import Limits
from gradproof.sampling import BUDGETS
from gradproof.styles.from_problem import contract_of
from gradproof.submission import Terms, at_sizes

MiB = 2**20
VISIBILITIES = ("visible", "after_due_date", "after_published", "hidden")
"""When students see a result on Gradescope."""


class BadAssignment(GradproofError):
    """An assignment that cannot be graded by; the message names the field and what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One formula of an assignment.

    key: the formula. file, name: where the submission has the code; name None for the only code in the file. points:
    for a gradient that passes. partial: weights by parameter, None for all or nothing. whole_costs: the share of the
    points that is lost when every gradient may be right but something about the whole is not, such as the loss. terms:
    how it is checked. visibility: one of VISIBILITIES.
    """

    key: str
    file: str
    name: str | None
    points: float
    partial: Mapping[str, float] | None
    whole_costs: float
    terms: Terms
    visibility: str


@dataclass(frozen=True)
class Assignment:
    title: str
    parts: tuple[Part, ...]
    visibility: str = "visible"


def read(path: Path, catalogue: Catalogue) -> Assignment:
    """The assignment in a file. Raises BadAssignment, also where a formula, a parameter or a size does not exist."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadAssignment(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise BadAssignment(f"{path} is not TOML: {error}") from error
    whole = Table(content, path.name)
    title = whole.take("title", str)
    shared = common(whole)
    formulas = whole.take("formula", list, [])
    whole.end()
    if not formulas or not all(isinstance(entry, dict) for entry in formulas):
        raise BadAssignment(f"{path.name} names no formula; each needs a table that begins with [[formula]]")
    tables = (Table(shared | entry, f"{path.name}, formula {k}") for k, entry in enumerate(formulas, start=1))
    return Assignment(title, tuple(part(table, catalogue) for table in tables), shared.get("visibility", "visible"))


COMMON = {"budget": str, "seed": int, "time_limit": float, "memory_limit": int, "visibility": str}
"""Fields that stand in a formula's own table or, for all of them, at the head of the file."""


def common(whole: Table) -> dict[str, Any]:
    given = {name: whole.take(name, kind, None) for name, kind in COMMON.items()}
    return {name: value for name, value in given.items() if value is not None}


def part(table: Table, catalogue: Catalogue) -> Part:
    budget = table.choice("budget", tuple(BUDGETS), "standard")
    limits = Limits()
    terms = Terms(
        budget=budget,
        seed=table.take("seed", int, 0),
        sizes=table.numbers("sizes", int) or {},
        limits=Limits(
            seconds=table.positive("time_limit", float, limits.seconds),
            memory=table.positive("memory_limit", int, limits.memory // MiB) * MiB,
        ),
        exhaustive="partial" in table.values,
    )
    made = Part(
        key=table.take("key", str),
        file=table.take("file", str),
        name=table.take("name", str, None),
        points=table.positive("points", float),
        partial=table.numbers("partial", float),
        whole_costs=table.take("whole_costs", float, 1.0),
        terms=terms,
        visibility=table.choice("visibility", VISIBILITIES, "visible"),
    )
    table.end()
    if not 0 <= made.whole_costs <= 1:
        raise BadAssignment(f"{table.where}: whole_costs must be between 0 and 1, not {made.whole_costs:g}")
    agree(made, catalogue, table.where)
    return made


def agree(part: Part, catalogue: Catalogue, where: str) -> None:
    """Raises BadAssignment where the formula, its parameters or its sizes are not what the assignment says."""
    try:
        problem = at_sizes(catalogue.problem(part.key), part.terms.sizes)
    except GradproofError as error:
        raise BadAssignment(f"{where}: {error}") from error
    parameters = contract_of(problem).params
    if part.partial is not None and (set(part.partial) != set(parameters) or not sum(part.partial.values())):
        named = ", ".join(parameters)
        raise BadAssignment(f"{where}: partial must weigh {named}, each once and not all with 0; 0 is for no points")
    if part.partial is not None and min(part.partial.values()) < 0:
        raise BadAssignment(f"{where}: partial has a weight below 0")


# Fields -------------------------------------------------------------------------------------------------------------


@dataclass
class Table:
    """A table of the file, of which each field is taken once; what is wrong is said by its name."""

    values: Mapping[str, Any]
    where: str
    taken: set[str] = field(default_factory=set)

    def take(self, name: str, kind: type, *default: Any) -> Any:
        """A field, which must be there unless it has a default. A whole number will do where a float is asked for."""
        self.taken.add(name)
        if name not in self.values:
            if default:
                return default[0]
            raise BadAssignment(f"{self.where}: {name} is missing")
        return self.of_kind(name, self.values[name], kind)

    def of_kind(self, name: str, value: Any, kind: type) -> Any:
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:  # True is an int
            words = {str: "text in quotes", int: "a whole number", float: "a number", list: "[[formula]] tables"}
            raise BadAssignment(f"{self.where}: {name} must be {words.get(kind, 'a table')}, not {value!r}")
        return value

    def positive(self, name: str, kind: type, *default: Any) -> Any:
        value = self.take(name, kind, *default)
        if not 0 < value < float("inf"):
            raise BadAssignment(f"{self.where}: {name} must be more than 0, not {value}")
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value: str = self.take(name, str, default)
        if value not in allowed:
            raise BadAssignment(f"{self.where}: {name} must be one of {', '.join(allowed)}, not {value!r}")
        return value

    def numbers(self, name: str, kind: type) -> dict[str, Any] | None:
        """A table of numbers by name; None where there is none."""
        table = self.take(name, dict, None)
        if table is None:
            return None
        return {key: self.of_kind(f"{name}.{key}", value, kind) for key, value in table.items()}

    def end(self) -> None:
        """Raises BadAssignment where the table has a field that nobody asked for, which may be one that is misspelt."""
        if unknown := sorted(self.values.keys() - self.taken):
            known = ", ".join(sorted(self.taken))
            raise BadAssignment(f"{self.where}: there is no field {unknown[0]!r}; the fields are {known}")
