"""Parts of Python code: where a slip may be, what the code reads like with it, and what sort of node something is."""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterator
from typing import Any, NamedTuple

SHOWN = 68
"""Characters of a statement that the name of a mutant quotes."""


class Slip(NamedTuple):
    """A part of the code, a node or a list of statements, and what is written there instead.

    name: of the slip, where it does not follow from the two. place: in what it is found, where the rule knows better.
    """

    old: Any
    new: Any
    name: str = ""
    place: ast.AST | None = None


def sites(node: ast.AST, place: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """The nodes that may hold a slip, each with the statement or the entry of a dict in which it is found.

    What is inside a subscript is left to the rule about subscripts, and so with the arguments of ``range`` and those by
    keyword; signatures and annotations hold none.
    """
    yield node, place
    if isinstance(node, ast.FunctionDef):
        for statement in node.body:
            yield from sites(statement, statement)
    elif isinstance(node, ast.For):
        for child in (node.iter, *node.body):
            yield from sites(child, child if isinstance(child, ast.stmt) else node.iter)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            yield from sites(value, value if key is None else ast.Dict([key], [value]))
    elif isinstance(node, ast.Subscript):
        yield from sites(node.value, place)
    elif isinstance(node, ast.Call):
        called = [] if is_called(node, "range") else node.args
        for child in (*([node.func] if isinstance(node.func, ast.Attribute) else []), *called):
            yield from sites(child, place)
    elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        if node.value is not None:
            yield from sites(node.value, place)
    elif not isinstance(node, ast.ClassDef | ast.arguments):
        for child in ast.iter_child_nodes(node):
            yield from sites(child, place)


def replaced(part: Any, slip: Slip) -> Any:
    """A node or a list with the one part replaced: what leads there is new, the rest is shared."""
    if part is slip.old:
        return slip.new
    if isinstance(part, list):
        inner = [replaced(child, slip) for child in part]
        return part if all(map(operator.is_, inner, part)) else inner
    if isinstance(part, ast.AST):
        children = {name: replaced(child, slip) for name, child in ast.iter_fields(part)}
        same = all(children[name] is child for name, child in ast.iter_fields(part))
        return part if same else ast.copy_location(type(part)(**children), part)
    return part


# How a node is written ------------------------------------------------------------------------------------------------


def brief(node: ast.AST) -> str:
    line = in_line(node)
    return line if len(line) <= SHOWN else line[: SHOWN - 4] + " ..."


def in_line(node: ast.AST) -> str:
    """On one line; the entries of a dict without its braces."""
    line = " ".join(ast.unparse(node).split())
    return line[1:-1] if isinstance(node, ast.Dict) else line


# What a node is -------------------------------------------------------------------------------------------------------


def is_transposed(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "T"


def is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def is_called(node: ast.AST, *names: str) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in names


def is_text(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
