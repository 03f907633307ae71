"""Mutants of the implementations' backward passes: the code of one place changed, everything else as it is."""

from __future__ import annotations

import ast
import linecache
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, partial
from textwrap import indent
from types import FrameType, ModuleType
from typing import Any

import numpy as np

from gradproof.candidate import Candidate, Crashed
from gradproof.problem import Implementation, Place, Point
from gradproof.sampling import draw_point, middle_sizes
from implementations import classification, graphs, recurrent, regression
from tests.catalogue import FORMULAS, IMPLEMENTATIONS
from tests.power.mutator import Mutant, mutants
from tests.power.wrong_gradient import WrongGradient

MODULES = (graphs, regression, classification, recurrent)

PREPARED = {
    "implementations.classification": ("A.T * tanh_derivative(z)",),
    "implementations.recurrent": (
        "1 - h ** 2",
        "h * (1 - h)",
        "(h > 0).astype(h.dtype)",
        "2 * difference",
        "softmax(yhat) - y",
        "softmax(yhat) - is_label",
    ),
}
"""Derivatives that a forward pass computes for its backward pass, as ``ast.unparse`` writes them."""

FEW = 4
"""How many slips of a kind in one function are tried for each formula that runs it."""


# Mutants by formula ---------------------------------------------------------------------------------------------------


@cache
def backward() -> tuple[tuple[WrongGradient, ...], Counter[str]]:
    """The mutants, and how many are left out for what reason: nobody needs a checker to see that code raises."""
    left_out: Counter[str] = Counter()
    return tuple(wrong for module in MODULES for wrong in of_module(module, left_out)), left_out


def of_module(module: ModuleType, left_out: Counter[str]) -> Iterator[WrongGradient]:
    """Each mutant of a module, under one of the keys whose gradients run what was changed, taken in turn.

    It is the first of them, from the one whose turn it is, at which the mutant shows at the middle point, if it does.
    """
    text = Text.of(module)
    trials = [Trial(key, module) for key in gradients_of(module)]
    for statement, part in text.places():
        running = [trial for trial in trials if trial.runs(statement.lineno, backward=part is None)]
        for turn, mutant in enumerate(spread(mutants(statement, part), FEW * len(running)) if running else ()):
            source, first = text.rewritten(statement, mutant.source), turn % len(running)
            outcomes = tried(source, mutant.name, [*running[first:], *running[:first]])
            outcome = min(outcomes, key=OUTCOMES.index)
            if outcome in (RAISES, MISSHAPEN):
                left_out[outcome] += 1
            else:
                key, name, kind = outcomes[outcome], mutant.name, mutant.kind
                yield WrongGradient(name, key, kind, partial(fresh, source, f"{key}: {name}", key))


def spread(mutants: Iterable[Mutant], most: int) -> list[Mutant]:
    """So many of each kind at most, evenly chosen: a chain of scalars has more slips than a network."""
    kinds: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        kinds.setdefault(mutant.kind, []).append(mutant)
    return [mutant for alike in kinds.values() for mutant in alike[:: -(-len(alike) // most)]]


def tried(source: str, name: str, trials: list[Trial]) -> dict[str, str]:
    """The first key for each outcome, up to the first key at which the gradients are changed."""
    outcomes: dict[str, str] = {}
    codes = gradients_of(loaded(source, name))
    sys.modules.pop(name)
    for trial in trials:
        outcomes.setdefault(trial.outcome(codes[trial.key]), trial.key)
        if CHANGED in outcomes:
            break
    return outcomes


# The text of a module -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Text:
    """The source of a module, of which one statement at a time is written anew.

    Arrays are zero where they would be left uninitialised: a mutant may read what the code would have written first,
    and must be equally wrong in every run.
    """

    module: ModuleType
    source: str

    @classmethod
    def of(cls, module: ModuleType) -> Text:
        assert module.__file__ is not None
        return cls(module, "".join(linecache.getlines(module.__file__)).replace("np.empty", "np.zeros"))

    def places(self) -> Iterator[tuple[ast.stmt, ast.AST | None]]:
        """Every function as a whole, then the statements that hold a prepared derivative, with that."""
        tree = ast.parse(self.source)
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        yield from ((function, None) for function in functions)
        for text in PREPARED.get(self.module.__name__, ()):
            for statement in (*functions, *(node for node in tree.body if isinstance(node, ast.Assign))):
                yield from ((statement, node) for node in ast.walk(statement) if unparsed(node) == text)

    def rewritten(self, statement: ast.stmt, new: str) -> str:
        lines = self.source.splitlines()
        lines[statement.lineno - 1 : statement.end_lineno] = indent(new, " " * statement.col_offset).splitlines()
        return "\n".join(lines) + "\n"


def unparsed(node: ast.AST) -> str:
    return ast.unparse(node) if isinstance(node, ast.expr) else ""


def fresh(source: str, name: str, key: str) -> Any:
    """The gradients of a key in a module of this source, executed anew."""
    return gradients_of(loaded(source, name))[key]


def loaded(source: str, name: str) -> ModuleType:
    """A module of this source. It is known under its own name only, and so is its text: tracebacks show the mutant."""
    module = ModuleType(name)
    module.__file__ = f"<{name}>"
    linecache.cache[module.__file__] = len(source), None, source.splitlines(keepends=True), module.__file__
    sys.modules[name] = module  # where dataclasses and inspect look for it
    exec(compile(source, module.__file__, "exec"), vars(module))
    return module


def gradients_of(module: ModuleType) -> dict[str, Any]:
    return {record.key: record.gradients for record in vars(module).values() if isinstance(record, Implementation)}


# A trial at the middle point ------------------------------------------------------------------------------------------

CHANGED, RAISES, MISSHAPEN, UNCHANGED = OUTCOMES = ("changed", "raises", "has the wrong form", "unchanged")
"""What a mutant may do. Where several formulas run it, the first of these counts that it does in any of them."""


@dataclass(frozen=True)
class Trial:
    """A formula's middle point: which code runs there, and what the right gradients are."""

    key: str
    module: ModuleType

    @property
    def point(self) -> Point:
        """Drawn anew: code may write into what it is called with."""
        problem = FORMULAS[self.key].problem(IMPLEMENTATIONS[self.key])
        point = draw_point(problem, Place.of(middle_sizes(problem)))
        assert point is not None
        return point

    @cached_property
    def right(self) -> dict[str, np.ndarray]:
        return self.gradients(IMPLEMENTATIONS[self.key].gradients)

    def gradients(self, code: Any) -> Any:
        return self.candidate(code).gradients(self.point)[1]

    def candidate(self, code: Any) -> Candidate:
        return Candidate(FORMULAS[self.key].problem(IMPLEMENTATIONS[self.key]), code)

    def outcome(self, code: Any) -> str:
        """What a mutant does to the gradients. A warning counts as raised: whether it is one, is up to the caller."""
        try:
            with warnings.catch_warnings(action="error"):
                gradients = self.gradients(code)
        except Crashed:
            return RAISES
        if not isinstance(gradients, dict) or forms(gradients) != forms(self.right):
            return MISSHAPEN
        return UNCHANGED if all(np.array_equal(gradients[n], right) for n, right in self.right.items()) else CHANGED

    def runs(self, line: int, *, backward: bool) -> bool:
        """Whether what is defined at a line of the implementation is run, in the backward pass or at all."""
        return line in self.lines[1] or (not backward and line in self.lines[0])

    @cached_property
    def lines(self) -> tuple[set[int], set[int]]:
        """Where the functions begin that the forward pass runs, where it is apart, and those the backward pass runs."""
        candidate = self.candidate(IMPLEMENTATIONS[self.key].gradients)
        if not candidate.has_forward:
            return set(), self.functions_run(candidate.alone, self.point)
        _, cache = candidate.forward(self.point)
        return (
            self.functions_run(candidate.forward, self.point),
            self.functions_run(candidate.backward, self.point, cache),
        )

    def functions_run(self, call: Callable[..., Any], *args: Any) -> set[int]:
        """First lines of the functions of the module that a call runs."""
        lines: set[int] = set()

        def note(frame: FrameType, event: str, _: Any) -> None:
            if event == "call" and frame.f_code.co_filename == self.module.__file__:
                lines.add(frame.f_code.co_firstlineno)

        before = sys.gettrace()
        sys.settrace(note)
        try:
            call(*args)
        finally:
            sys.settrace(before)
        return lines


def forms(gradients: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: np.shape(gradient) for name, gradient in gradients.items()}
