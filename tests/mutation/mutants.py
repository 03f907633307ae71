"""All mutants of a module: its syntax tree with one part exchanged, called by a name that survives other edits."""

from __future__ import annotations

import ast
import copy
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CodeType

from tests.mutation.operators import OPERATORS, Site, is_guard, is_text

ROOT = Path(__file__).parents[2]

SHOWN = ("__repr__", "__str__", "_latex")
"""Functions that are wording altogether."""

LENGTH = 100
"""The longest text that a name shows in full."""

MESSAGES = ("refuse", "invalid")
"""Functions whose arguments are wording: like a raise, a call of them can be left out."""


@dataclass(frozen=True)
class Context:
    """What is around a part of a module.

    function: as of a Mutant. blocks: the lists of statements it is in, from the outside inwards, by number. deferred:
    whether it is inside of a function, so that it is run when that is called.
    """

    function: str = ""
    blocks: tuple[int, ...] = ()
    deferred: bool = False


@dataclass(frozen=True)
class Mutant:
    """A module of the engine with one part exchanged.

    module, function: where, the function with its class, "" outside of any. operator: what kind of mistake.
    before, after: the part and what stands there instead. occurrence: which one, among equal ones in the function.
    """

    module: str
    function: str
    operator: str
    before: str
    after: str
    occurrence: int
    context: Context = field(repr=False, compare=False)
    tree: ast.Module = field(repr=False, compare=False)
    site: Site = field(repr=False, compare=False)
    replacement: ast.AST = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """Without numbers of lines: it is the same after edits elsewhere."""
        place = f"{self.module}:{self.function}" if self.function else self.module
        which = f" ({self.occurrence})" if self.occurrence > 1 else ""
        return f"{place}: {self.operator}: {self.before} -> {self.after}{which}"

    def code(self) -> CodeType:
        """The module with the mistake, compiled."""
        self.site.put(ast.copy_location(copy.copy(self.replacement), self.site.node))
        try:
            return compile(ast.fix_missing_locations(self.tree), str(path_of(self.module)), "exec", dont_inherit=True)
        finally:
            self.site.put(self.site.node)


def path_of(module: str) -> Path:
    path = ROOT / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def tree_of(module: str) -> ast.Module:
    return ast.parse(path_of(module).read_text(encoding="utf-8"))


def mutants_of(module: str) -> list[Mutant]:
    """Every mutant of a module of the core."""
    return mutants_in(tree_of(module), module)


def mutants_in(tree: ast.Module, module: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its text."""
    seen: Counter[tuple[str, ...]] = Counter()
    found: list[Mutant] = []
    for site, context in sites(tree):
        before, here = ast.unparse(site.node), set()
        for operator, rule in OPERATORS.items():
            for replacement in rule(site):
                after = ast.unparse(replacement)
                if after in here or after == before:  # two operators may agree
                    continue
                here.add(after)
                what = (context.function, operator, *short(before, after))
                seen[what] += 1
                found.append(Mutant(module, *what, seen[what], context, tree, site, replacement))
    return found


def short(before: str, after: str) -> tuple[str, str]:
    """Each on one line, and of long ones where they differ."""
    old, new = before.split(), after.split()
    if len(" ".join(old)) <= LENGTH:
        return " ".join(old), " ".join(new)
    head = alike(old, new)
    tail = alike(old[head:][::-1], new[head:][::-1])
    shown = (" ".join(["…", *words[max(head - 2, 0) : len(words) - tail], "…"]) for words in (old, new))
    return tuple(text[:LENGTH] for text in shown)


def alike(old: list[str], new: list[str]) -> int:
    """How many words both begin with."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))


# What may be exchanged --------------------------------------------------------------------------------------------


def sites(tree: ast.Module) -> Iterator[tuple[Site, Context]]:
    """Every part of a module that is no wording and no type, from the outside inwards, and what is around it."""
    return below(tree, Context(), itertools.count(1))


def below(node: ast.AST, context: Context, numbers: Iterator[int]) -> Iterator[tuple[Site, Context]]:
    for name, value in ast.iter_fields(node):
        if name in UNTOUCHED.get(type(node), ()) or name in ("annotation", "returns", "decorator_list", "ctx"):
            continue
        around = context
        if starts_block(node, name):
            deferred = context.deferred or (isinstance(node, ast.FunctionDef) and not knows_its_class(node))
            around = replace(context, blocks=(*context.blocks, next(numbers)), deferred=deferred)
        for position, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not is_left_alone(child, node):
                site = Site(child, node, name, position)
                yield site, around
                if not is_wording(child) and not site.is_class:
                    yield from below(child, replace(around, function=qualified(around.function, child)), numbers)


UNTOUCHED: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Raise: ("exc", "cause"),
    ast.ClassDef: ("bases", "keywords"),
    ast.ExceptHandler: ("type",),
    ast.JoinedStr: ("values",),
}


def starts_block(node: ast.AST, name: str) -> bool:
    """Whether what stands in this field may run when what is around it does not, or the other way round."""
    return name in ("body", "orelse", "finalbody") and not isinstance(node, ast.Module | ast.ClassDef | ast.IfExp)


def knows_its_class(function: ast.FunctionDef) -> bool:
    """Whether it calls super(), which ties its code to the class: code without that call could not take its place."""
    return any(isinstance(node, ast.Name) and node.id == "super" for node in ast.walk(function))


def is_left_alone(child: ast.AST, parent: ast.AST) -> bool:
    if isinstance(child, ast.Import | ast.ImportFrom | ast.Assert | ast.Pass | ast.Global | ast.Nonlocal):
        return True
    if isinstance(child, ast.FunctionDef):
        return child.name in SHOWN
    if isinstance(child, ast.BoolOp):
        return any(map(is_text, child.values))  # what to say where there is nothing to be named
    if isinstance(child, ast.If):
        return isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"
    if isinstance(child, ast.keyword) and isinstance(parent, ast.Call):
        return is_guard(parent, child)
    if isinstance(child, ast.Assign) and isinstance(parent, ast.Module):
        return is_type(child.value)
    return isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)  # a docstring


def is_type(value: ast.AST) -> bool:
    """Whether a module calls a type by this name: Arrays = dict[str, Array]."""
    return isinstance(value, ast.Subscript) and not isinstance(value.slice, ast.Constant | ast.UnaryOp)


def is_wording(node: ast.AST) -> bool:
    """Whether what is inside is text for people."""
    called = node.func if isinstance(node, ast.Call) else None
    return getattr(called, "id", getattr(called, "attr", "")) in MESSAGES


def qualified(function: str, node: ast.AST) -> str:
    if not isinstance(node, ast.FunctionDef | ast.ClassDef):
        return function
    return f"{function}.{node.name}" if function else node.name
