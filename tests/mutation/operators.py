"""The mistakes that are made in the engine on purpose: for a part of a syntax tree, what could stand there instead.

Of wording there is none: strings, messages of exceptions and what turns a value into text stay as they are.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
"""An inequality at its boundary; everything else turned round (a condition is negated as well)."""

ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Div,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}

NAMES = {
    one: other
    for pair in (
        ("min", "max"),
        ("any", "all"),
        ("minimum", "maximum"),
        ("Min", "Max"),
        ("zeros", "ones"),
        ("Zero", "One"),
        ("lower", "upper"),
    )
    for one, other in (pair, pair[::-1])
}
"""Functions and ends of a range that are easily taken for each other."""

TRANSPARENT = frozenset(
    {"abs", "sorted", "reversed", "list", "tuple", "set", "float", "int", "absolute", "sign", "expand", "sympify"}
)
"""Functions that may be forgotten around their argument."""

MODIFIERS = frozenset(
    {"copy", "clip", "astype", "reshape", "xreplace", "subs", "expand", "doit", "replace", "detached", "ravel"}
)
"""Methods that may be forgotten behind their object."""


@dataclass(frozen=True)
class Site:
    """A node of a syntax tree, and where it stands: the field of its parent, and its position where that is a list."""

    node: ast.AST
    parent: ast.AST
    field: str
    position: int | None = None

    def put(self, node: ast.AST) -> None:
        """Put another node there."""
        if self.position is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.position] = node

    @property
    def is_condition(self) -> bool:
        return self.field == "test" or (isinstance(self.parent, ast.comprehension) and self.field == "ifs")

    @property
    def is_class(self) -> bool:
        """Whether it says which classes an object may be of."""
        called = isinstance(self.parent, ast.Call) and isinstance(self.parent.func, ast.Name)
        return called and self.parent.func.id == "isinstance" and self.field == "args" and self.position == 1


def changed(node: Any, **fields: Any) -> Any:
    """A copy of a node with other fields; the rest of its children are the same objects."""
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def without(nodes: list[Any], k: int) -> list[Any]:
    return [*nodes[:k], *nodes[k + 1 :]]


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def name_of(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


# The operators ----------------------------------------------------------------------------------------------------


def comparison(site: Site) -> Iterator[ast.AST]:
    node = site.node
    if isinstance(node, ast.Compare):
        for k, op in enumerate(node.ops):
            yield changed(node, ops=[*node.ops[:k], COMPARISONS[type(op)](), *node.ops[k + 1 :]])


def condition(site: Site) -> Iterator[ast.AST]:
    """The other way round."""
    if site.is_condition and not isinstance(site.node, ast.UnaryOp | ast.Constant):
        yield ast.UnaryOp(ast.Not(), site.node)


def boolean(site: Site) -> Iterator[ast.AST]:
    """``and`` for ``or``, and one of the operands left out."""
    node = site.node
    if isinstance(node, ast.BoolOp):
        yield changed(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        for k in range(len(node.values)):
            rest = without(node.values, k)
            yield changed(node, values=rest) if len(rest) > 1 else rest[0]


def alternative(site: Site) -> Iterator[ast.AST]:
    """One class fewer in ``isinstance(x, A | B)``."""
    if site.is_class and isinstance(site.node, ast.BinOp):
        classes = []
        node: Any = site.node
        while isinstance(node, ast.BinOp):
            classes.insert(0, node.right)
            node = node.left
        classes.insert(0, node)
        for k in range(len(classes)):
            first, *rest = without(classes, k)
            for other in rest:
                first = ast.BinOp(first, ast.BitOr(), other)
            yield first


def arithmetic(site: Site) -> Iterator[ast.AST]:
    node = site.node
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC and not (site.is_class or has_text(node)):
        yield changed(node, op=ARITHMETIC[type(node.op)]())


def has_text(node: ast.BinOp) -> bool:
    return is_text(node.left) or is_text(node.right)


def augmented(site: Site) -> Iterator[ast.AST]:
    """``x -= y`` for ``x += y``, and ``x = y``."""
    node = site.node
    if isinstance(node, ast.AugAssign) and not is_text(node.value):
        if type(node.op) in ARITHMETIC:
            yield changed(node, op=ARITHMETIC[type(node.op)]())
        yield ast.Assign([node.target], node.value, lineno=node.lineno)


def sign(site: Site) -> Iterator[ast.AST]:
    """A minus, a ``not`` or a ``~`` left out."""
    if isinstance(site.node, ast.UnaryOp):
        yield site.node.operand


def constant(site: Site) -> Iterator[ast.AST]:
    """A number that is one more, and False for True."""
    if isinstance(site.node, ast.Constant):
        value = site.node.value
        if isinstance(value, bool):
            yield ast.Constant(not value)
        elif isinstance(value, int | float):
            yield ast.Constant(value + 1)


def name(site: Site) -> Iterator[ast.AST]:
    """The other one of two that belong together: max for min, upper for lower."""
    node = site.node
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in NAMES:
        yield changed(node, id=NAMES[node.id])
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr in NAMES:
        yield changed(node, attr=NAMES[node.attr])


def call(site: Site) -> Iterator[ast.AST]:
    """A function forgotten around its argument, a method behind its object."""
    node = site.node
    if isinstance(node, ast.Call):
        if name_of(node) in TRANSPARENT and node.args and not isinstance(node.args[0], ast.Starred):
            yield node.args[0]
        if isinstance(node.func, ast.Attribute) and node.func.attr in MODIFIERS and not is_module(node.func.value):
            yield node.func.value


def is_module(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "sp")


def argument(site: Site) -> Iterator[ast.AST]:
    """An argument that is given by name left out."""
    node = site.node
    if isinstance(node, ast.Call):
        for k, keyword in enumerate(node.keywords):
            if keyword.arg is not None and not is_guard(node, keyword):
                yield changed(node, keywords=without(node.keywords, k))


def is_guard(node: ast.Call, keyword: ast.keyword) -> bool:
    """``zip(strict=)`` states what is known of the arguments; without it the same is computed."""
    return name_of(node) == "zip" and keyword.arg == "strict"


def result(site: Site) -> Iterator[ast.AST]:
    """Nothing returned."""
    node = site.node
    if isinstance(node, ast.Return) and not isinstance(node.value, ast.Constant | ast.JoinedStr | None):
        yield ast.Return(ast.Constant(None))


def statement(site: Site) -> Iterator[ast.AST]:
    """Left out, where no name is defined by it."""
    node = site.node
    stores = isinstance(node, ast.Assign) and not any(isinstance(n, ast.Name | ast.Tuple) for n in node.targets)
    does = isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
    if stores or does or isinstance(node, ast.AugAssign | ast.Raise | ast.Delete | ast.Continue | ast.Break):
        yield ast.Pass()


def jump(site: Site) -> Iterator[ast.AST]:
    if isinstance(site.node, ast.Continue):
        yield ast.Break()
    if isinstance(site.node, ast.Break):
        yield ast.Continue()


def entry(site: Site) -> Iterator[ast.AST]:
    """One entry fewer in a table or a set that is written out."""
    node = site.node
    if isinstance(node, ast.Dict) and len(node.keys) > 1 and not all(map(is_text, node.values)):
        for k, key in enumerate(node.keys):
            if key is not None:
                yield changed(node, keys=without(node.keys, k), values=without(node.values, k))
    if isinstance(node, ast.Set) and len(node.elts) > 1:
        for k in range(len(node.elts)):
            yield changed(node, elts=without(node.elts, k))


def filtered(site: Site) -> Iterator[ast.AST]:
    """A comprehension that takes everything."""
    if isinstance(site.node, ast.comprehension) and site.node.ifs:
        yield changed(site.node, ifs=[])


Operator = Callable[[Site], Iterator[ast.AST]]

OPERATORS: dict[str, Operator] = {
    operator.__name__: operator
    for operator in (
        comparison, condition, boolean, alternative, arithmetic, augmented, sign, constant, name, call, argument,
        result, statement, jump, entry, filtered,
    )
}  # fmt: skip
