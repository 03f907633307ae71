"""The rules: what a person does to a transpose, an index, a term, a sign, by kind; each is about one sort of node."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tests.power.mutator.syntax import Slip, brief, expression, is_called, is_number, is_text, is_transposed, sites

Rule = Callable[[Any], Iterator[Slip]]

RULES: list[tuple[str, type[ast.AST], Rule]] = []
"""Every rule with its kind and the nodes it is about, in the order of this file."""


def rule(kind: str, node: type[ast.AST]) -> Callable[[Rule], Rule]:
    """File the decorated rule; it takes a node of that sort."""

    def file(about: Rule) -> Rule:
        RULES.append((kind, node, about))
        return about

    return file


# The transpose --------------------------------------------------------------------------------------------------------

TRANSPOSE = "transpose"


@rule(TRANSPOSE, ast.BinOp)
def product(node: ast.BinOp) -> Iterator[Slip]:
    """X.T @ w, X @ w.T and w @ X for X @ w."""
    if isinstance(node.op, ast.MatMult):
        for factor in node.left, node.right:
            if not is_transposed(factor):
                yield Slip(factor, ast.Attribute(factor, "T"))
        yield Slip(node, ast.BinOp(node.right, node.op, node.left))


@rule(TRANSPOSE, ast.Attribute)
def dropped_transpose(node: ast.Attribute) -> Iterator[Slip]:
    if is_transposed(node):
        yield Slip(node, node.value)


@rule(TRANSPOSE, ast.Call)
def arguments_swapped(node: ast.Call) -> Iterator[Slip]:
    """np.outer(h, delta) for np.outer(delta, h)."""
    if is_called(node, "np.outer", "np.multiply.outer", "np.tensordot"):
        first, second, *rest = node.args
        yield Slip(node, ast.Call(node.func, [second, first, *rest], node.keywords))


# Steps of time, and other places in an array --------------------------------------------------------------------------

TIME = "time step or index"


@rule(TIME, ast.Subscript)
def another_index(node: ast.Subscript) -> Iterator[Slip]:
    """h[t] and h[t - 2] for h[t - 1], h[1:] for h[:-1], h[:-tau] for h[-tau:]; what is read by a text stays."""
    if isinstance(node.slice, ast.Slice):
        indices: Iterable[str] = other_slices(node.slice)
    elif isinstance(node.slice, ast.Tuple) or any(map(is_text, ast.walk(node.slice))):
        indices = ()
    else:
        indices = other_places(node.slice)
    for index in indices:
        yield Slip(node, expression(f"{ast.unparse(node.value)}[{index}]"))


def other_slices(index: ast.Slice) -> Iterator[str]:
    """The other end for the one, and all; without the step; all in reverse."""
    low, high = (ast.unparse(end) if end else "" for end in (index.lower, index.upper))
    if index.step is not None:
        yield f"{low}:{high}"
    elif low or high:
        yield {("", "-1"): "1:", ("1", ""): ":-1"}.get((low, high), f"{high}:{low}")
        yield ":"
    else:
        yield "::-1"


def other_places(index: ast.expr) -> Iterator[str]:
    """One later and one earlier; of the first and the last the other as well."""
    written = ast.unparse(index)
    if isinstance(index, ast.BinOp) and isinstance(index.op, ast.Add | ast.Sub) and is_number(index.right):
        offset = index.right.value if isinstance(index.op, ast.Add) else -index.right.value
        base = ast.unparse(index.left)
        for other in offset + 1, offset - 1:
            yield base if not other else f"{base} {'+' if other > 0 else '-'} {abs(other)}"
    elif written in ("0", "-1"):
        yield {"0": "-1", "-1": "0"}[written]
        yield {"0": "1", "-1": "-2"}[written]
    else:
        yield from (f"{written} - 1", f"{written} + 1")


@rule(TIME, ast.For)
def another_order(node: ast.For) -> Iterator[Slip]:
    """A loop the other way round, without its first or its last pass."""
    over, passes = ast.unparse(node.iter), f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}"
    array = over if is_called(node.iter, "range") else f"list({over})"
    for index, said in ("[::-1]", "in reverse"), ("[1:]", "without the first pass"), ("[:-1]", "without the last pass"):
        yield Slip(node.iter, expression(f"{array}{index}"), f"{passes}, {said}")


# Terms and factors ----------------------------------------------------------------------------------------------------

DROPPED = "term or factor dropped"


@rule(DROPPED, ast.BinOp)
def half_of_it(node: ast.BinOp) -> Iterator[Slip]:
    """One side of a sum, a difference, a product; the numerator; the base of a power."""
    if isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.MatMult | ast.Div | ast.Pow):
        yield Slip(node, node.left)
    if isinstance(node.op, ast.Add | ast.Mult | ast.MatMult):
        yield Slip(node, node.right)
    if isinstance(node.op, ast.Sub):
        yield Slip(node, ast.UnaryOp(ast.USub(), node.right))


# Operators, signs -----------------------------------------------------------------------------------------------------

OPERATOR = "operator or sign"

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
}

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Eq: (ast.NotEq,),
}


@rule(OPERATOR, ast.BinOp)
def another_operator(node: ast.BinOp) -> Iterator[Slip]:
    if type(node.op) in OPERATORS:
        yield Slip(node, ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right))


@rule(OPERATOR, ast.BinOp)
def turned_around(node: ast.BinOp) -> Iterator[Slip]:
    """y - a for a - y, b / a for a / b."""
    if isinstance(node.op, ast.Sub | ast.Div):
        yield Slip(node, ast.BinOp(node.right, node.op, node.left))


@rule(OPERATOR, ast.UnaryOp)
def dropped_sign(node: ast.UnaryOp) -> Iterator[Slip]:
    if isinstance(node.op, ast.USub):
        yield Slip(node, node.operand)


@rule(OPERATOR, ast.Assign)
def added_sign(node: ast.Assign) -> Iterator[Slip]:
    if isinstance(node.value, ast.BinOp | ast.Name | ast.Subscript):
        yield Slip(node.value, ast.UnaryOp(ast.USub(), node.value))


@rule(OPERATOR, ast.Dict)
def negated_entry(node: ast.Dict) -> Iterator[Slip]:
    for key, value in zip(node.keys, node.values, strict=True):
        if is_text(key) and not isinstance(value, ast.UnaryOp):
            yield Slip(value, ast.UnaryOp(ast.USub(), value), place=ast.Dict([key], [value]))


@rule(OPERATOR, ast.Compare)
def another_comparison(node: ast.Compare) -> Iterator[Slip]:
    for other in COMPARISONS.get(type(node.ops[0]), ()):
        yield Slip(node, ast.Compare(node.left, [other()], node.comparators))


# Constants ------------------------------------------------------------------------------------------------------------

CONSTANT = "constant"


@rule(CONSTANT, ast.Constant)
def another_number(node: ast.Constant) -> Iterator[Slip]:
    """One more and one less: 1 and 3 for 2, of exponents too."""
    if is_number(node):
        yield Slip(node, ast.Constant(node.value - 1))
        yield Slip(node, ast.Constant(node.value + 1))


@rule(CONSTANT, ast.Call)
def another_count(node: ast.Call) -> Iterator[Slip]:
    """len(y) - 1 for len(y), and the last axis for the first."""
    if is_called(node, "len"):
        yield Slip(node, ast.BinOp(node, ast.Sub(), ast.Constant(1)))
        yield Slip(node, expression(f"np.shape({ast.unparse(node.args[0])})[-1]"))


# Sums over steps and rows ---------------------------------------------------------------------------------------------

REDUCTION = "sum, mean or axis"

REDUCTIONS = {"sum": "mean", "mean": "sum"}


@rule(REDUCTION, ast.Call)
def another_reduction(node: ast.Call) -> Iterator[Slip]:
    """np.mean for np.sum and the reverse, with the same axis."""
    if isinstance(node.func, ast.Attribute) and node.func.attr in REDUCTIONS:
        other = ast.Attribute(node.func.value, REDUCTIONS[node.func.attr])
        yield Slip(node, ast.Call(other, node.args, node.keywords))


@rule(REDUCTION, ast.Call)
def another_axis(node: ast.Call) -> Iterator[Slip]:
    """axis=1 for axis=0 and the reverse, and no axis."""
    for keyword in node.keywords:
        if keyword.arg == "axis" and is_number(keyword.value):
            rest = [other for other in node.keywords if other is not keyword]
            axis = ast.keyword("axis", ast.Constant(1 - keyword.value.value))
            yield Slip(node, ast.Call(node.func, node.args, [*rest, axis]))
            yield Slip(node, ast.Call(node.func, node.args, rest))


@rule(REDUCTION, ast.Call)
def not_summed(node: ast.Call) -> Iterator[Slip]:
    """The last of several for the sum of all."""
    if is_called(node, "sum") and isinstance(node.args[0], ast.GeneratorExp):
        yield Slip(node, expression(f"list({ast.unparse(node.args[0])})[-1]"))
        yield Slip(node, expression(f"{ast.unparse(node)} / len(list({ast.unparse(node.args[0])}))"))


@rule(REDUCTION, ast.AugAssign)
def overwritten(node: ast.AugAssign) -> Iterator[Slip]:
    """= for +=."""
    last = ast.copy_location(ast.Assign([node.target], node.value), node)
    yield Slip(node, last, f"{brief(last)}, not +=")


@rule(REDUCTION, ast.For)
def accumulated(node: ast.For) -> Iterator[Slip]:
    """+= for = of a variable that a loop passes on."""
    for statement in node.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            sum_so_far = ast.AugAssign(statement.targets[0], ast.Add(), statement.value)
            yield Slip(statement, sum_so_far, f"{brief(sum_so_far)}, not =")


# Functions ------------------------------------------------------------------------------------------------------------

FUNCTION = "activation or function"

FUNCTIONS = {
    "np.cos": "np.sin",
    "np.sin": "np.cos",
    "np.exp": "np.expm1",
    "np.log1p": "np.log",
    "np.ones_like": "np.zeros_like",
    "sigmoid": "np.tanh",
    "softmax": "sigmoid",
    "tanh_derivative": "sigmoid_derivative",
    "sigmoid_derivative": "tanh_derivative",
    "smooth_sigmoid": "np.tanh",
}

ONE_BY_ONE = (*(name for name in FUNCTIONS if name != "np.ones_like"), "np.tanh", "np.abs")
"""Functions of one array that could be forgotten, or taken twice."""


@rule(FUNCTION, ast.Call)
def another_function(node: ast.Call) -> Iterator[Slip]:
    other = FUNCTIONS.get(ast.unparse(node.func))
    if other is not None:
        yield Slip(node, ast.Call(expression(other), node.args, node.keywords))


@rule(FUNCTION, ast.Call)
def taken_twice_or_not(node: ast.Call) -> Iterator[Slip]:
    """z and sigmoid(sigmoid(z)) for sigmoid(z); a derivative of what is activated already."""
    if is_called(node, *ONE_BY_ONE) and len(node.args) == 1:
        (argument,) = node.args
        yield Slip(node, argument)
        yield Slip(node, ast.Call(node.func, [node], node.keywords))
        yield Slip(node, ast.Call(node.func, [expression(f"np.tanh({ast.unparse(argument)})")], node.keywords))


# Variables ------------------------------------------------------------------------------------------------------------

VARIABLE = "variable"


@rule(VARIABLE, ast.FunctionDef)
def another_variable(node: ast.FunctionDef) -> Iterator[Slip]:
    """The variable next to it, in the order in which the function gets them, for each that is read."""
    own = assigned(node)
    following = dict(zip(own, [*own[1:], *own[:1]], strict=True))
    for inner, place in sites(node, node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load) and inner.id in following:
            yield Slip(inner, ast.Name(following[inner.id]), place=place)


def assigned(function: ast.FunctionDef) -> list[str]:
    """The variables that a function's own statements assign, in order."""
    stored = (inner for statement in function.body for inner in ast.walk(statement) if isinstance(inner, ast.Name))
    return list(dict.fromkeys(inner.id for inner in stored if isinstance(inner.ctx, ast.Store)))


@rule(VARIABLE, ast.Dict)
def exchanged_entries(node: ast.Dict) -> Iterator[Slip]:
    """The gradients of two parameters under each other's name."""
    for k, (key, next_key) in enumerate(zip(node.keys, node.keys[1:], strict=False)):
        if is_text(key) and is_text(next_key):
            values = list(node.values)
            values[k], values[k + 1] = values[k + 1], values[k]
            yield Slip(node.values, values, f"{ast.unparse(key)} and {ast.unparse(next_key)} exchanged")


# Statements -----------------------------------------------------------------------------------------------------------

STATEMENT = "statement dropped or moved"


@rule(STATEMENT, ast.For)
def another_body(node: ast.For) -> Iterator[Slip]:
    """A loop without one of its statements, or with two that follow each other the other way round."""
    for k, statement in enumerate(node.body):
        rest = [other for other in node.body if other is not statement] or [ast.Pass()]
        yield Slip(node.body, rest, f"without {brief(statement)}")
        if k:
            before = node.body[k - 1]
            moved = [*node.body[: k - 1], statement, before, *node.body[k + 1 :]]
            yield Slip(node.body, moved, f"{brief(statement)} before {brief(before)}")


# Memory, precision ----------------------------------------------------------------------------------------------------

MEMORY = "copy or dtype dropped"


@rule(MEMORY, ast.Call)
def no_copy(node: ast.Call) -> Iterator[Slip]:
    """An array itself for a copy of it, or for a new one like it."""
    if isinstance(node.func, ast.Attribute) and node.func.attr == "copy":
        yield Slip(node, node.func.value)
    if is_called(node, "np.copy", "np.array", "np.zeros_like", "np.ones_like", "np.empty_like"):
        yield Slip(node, node.args[0])


@rule(MEMORY, ast.Call)
def no_conversion(node: ast.Call) -> Iterator[Slip]:
    """What comes in another dtype stays in it."""
    if isinstance(node.func, ast.Attribute) and node.func.attr == "astype":
        yield Slip(node, node.func.value)
