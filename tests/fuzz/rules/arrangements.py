"""Indexing, selecting, reshaping and joining."""

from __future__ import annotations

import operator
from collections.abc import Callable

import numpy as np

from tests.fuzz.scope import Scope, count

# Indexing -----------------------------------------------------------------------------------------------------------


def getitem(s: Scope) -> str:
    x = s.array()
    shape = s.shape(x)
    forms = {"one index an axis": by_axis, "everything": everything}
    if shape:
        forms |= {"mask": mask, "rows": rows}
    if len(shape) == 2:
        forms |= {"open mesh": open_mesh, "pairs": pairs}
    return forms[s.pick(sorted(forms))](s, x)


def by_axis(s: Scope, x: str) -> str:
    """A position, a slice or a list for each of the first axes, with new axes and dots between them."""
    parts = []
    for length in s.shape(x)[: s.integer(0, len(s.shape(x)))]:
        parts += ["None"] * s.flag()
        parts.append(s.pick([str(s.integer(-length, length - 1)), slice_of(s, length)]))
    if s.flag():
        parts.append("...")
    return f"{x}[{', '.join(parts) or '...'}]"


def slice_of(s: Scope, length: int) -> str:
    return s.pick([":", f"{s.integer(0, length - 1)}:", f":{s.integer(1, length)}", "::-1", "::2"])


def everything(s: Scope, x: str) -> str:
    return f"{x}[{s.pick(['...', 'None', '()'])}]"


def mask(s: Scope, x: str) -> str:
    """By a condition on the values themselves; what it takes depends on them."""
    return f"{x}[{x} > {s.pick(['0', '-1.5'])}]"


def rows(s: Scope, x: str) -> str:
    length = s.shape(x)[0]
    places = s.places(s.integer(1, 4), length)
    return s.pick([f"{x}[{places}]", f"{x}[np.array([{places}, {places[::-1]}])]"])


def open_mesh(s: Scope, x: str) -> str:
    n, m = s.shape(x)
    return f"{x}[np.ix_({s.places(2, n)}, {s.places(s.integer(1, 3), m)})]"


def pairs(s: Scope, x: str) -> str:
    n, m = s.shape(x)
    return f"{x}[{s.places(3, n)}, {s.places(3, m)}]"


def take(s: Scope) -> str:
    x = s.array(1)
    axis = s.axis(x)
    return f"np.take({x}, {s.places(s.integer(1, 3), s.shape(x)[axis])}, axis={axis})"


def take_along_axis(s: Scope) -> str:
    x = s.array(1)
    axis = s.axis(x)
    return f"np.take_along_axis({x}, np.argsort({x}, axis={axis}), axis={axis})"


def compress(s: Scope) -> str:
    x = s.array(1)
    axis = s.axis(x)
    kept = [True, *(s.flag() for _ in range(s.shape(x)[axis] - 1))]
    return f"np.compress({kept}, {x}, axis={axis})"


def diff(s: Scope) -> str:
    x = s.array(1)
    return f"np.diff({x}, n={s.pick([1, 2])}, axis={s.axis(x)})"


def diagonal(s: Scope) -> str:
    x = s.array(2)
    first, second = s.permutation(len(s.shape(x)))[:2]
    return f"np.diagonal({x}, offset={s.pick([0, 1, -1])}, axis1={first}, axis2={second})"


def diag(s: Scope) -> str:
    return f"np.diag({s.array(1, 2)}, k={s.pick([0, 1, -1])})"


# Selecting ----------------------------------------------------------------------------------------------------------


def where(s: Scope) -> str:
    """By a plain mask over the last axis."""
    x = s.array(1)
    mask = f"np.arange({s.shape(x)[-1]}) % 2 == {s.pick([0, 1])}"
    return s.pick([f"np.where({mask}, {x}, {s.other(x)})", f"np.where({mask}, {s.other(x)}, {x})"])


def clip(s: Scope) -> str:
    x = s.array()
    limits = s.pick(["-0.5, 0.5", "None, 0.3", "0, None", "a_min=-1, a_max=None", f"{s.other(x)}, None"])
    return f"np.clip({x}, {limits})"


# Reshaping ----------------------------------------------------------------------------------------------------------


def plainly(function: str, least: int = 0, most: int = 4) -> Callable[[Scope], str]:
    """A function of the array alone."""
    return lambda s: f"np.{function}({s.array(least, most)})"


def reshape(s: Scope) -> str:
    x = s.array()
    return f"np.reshape({x}, {s.factors(count(s.shape(x)))}, order={s.pick(['C', 'F'])!r})"


def transpose(s: Scope) -> str:
    x = s.array()
    return s.pick([f"np.transpose({x})", f"np.transpose({x}, {tuple(s.permutation(len(s.shape(x))))})"])


def squeeze(s: Scope) -> str:
    x = s.array()
    ones = [k for k, n in enumerate(s.shape(x)) if n == 1]
    return f"np.squeeze({x}, axis={s.pick([None, *ones])})"


def expand_dims(s: Scope) -> str:
    x = s.array(most=2)
    return f"np.expand_dims({x}, {s.pick([0, -1, (0, -1)])})"


def swapaxes(s: Scope) -> str:
    x = s.array(1)
    return f"np.swapaxes({x}, {s.axis(x)}, {s.axis(x)})"


def moveaxis(s: Scope) -> str:
    x = s.array(1)
    return f"np.moveaxis({x}, {s.axis(x)}, {s.axis(x)})"


def broadcast_to(s: Scope) -> str:
    x = s.array(most=2)
    stretched = tuple(s.pick([n, 2]) if n == 1 else n for n in s.shape(x))
    return f"np.broadcast_to({x}, {(s.integer(1, 3), *stretched)})"


def repeat(s: Scope) -> str:
    x = s.array(1)
    axis = s.axis(x)
    counts = [1, *(s.integer(0, 2) for _ in range(s.shape(x)[axis] - 1))]
    return s.pick([f"np.repeat({x}, 2)", f"np.repeat({x}, {counts}, axis={axis})"])


def tile(s: Scope) -> str:
    return f"np.tile({s.array()}, {s.pick([2, (2, 1), (1, 3)])})"


def roll(s: Scope) -> str:
    x = s.array(1)
    return f"np.roll({x}, {s.integer(-2, 2)}, axis={s.pick([None, s.axis(x)])})"


def flip(s: Scope) -> str:
    x = s.array()
    return f"np.flip({x}, axis={s.axes(x)})"


def triangle(function: str) -> Callable[[Scope], str]:
    return lambda s: f"np.{function}({s.array(2)}, k={s.pick([0, 1, -1])})"


def pad(s: Scope) -> str:
    x = s.array(1)
    widths = tuple((s.integer(0, 1), s.integer(0, 2)) for _ in s.shape(x))
    mode = s.pick(["constant", "edge", "reflect", "symmetric", "wrap"])
    filled = f", constant_values={s.number()}" if mode == "constant" and s.flag() else ""
    return f"np.pad({x}, {widths}, mode={mode!r}{filled})"


# Joining and cutting ------------------------------------------------------------------------------------------------


def joined(function: str, wanted: Callable[..., object], axis: bool = False) -> Callable[[Scope], str]:
    """Two or three arrays that fit, along the first axis or along another."""

    def rule(s: Scope) -> str:
        x = s.array()
        rest = [s.partner(x, lambda a, b: wanted([a, b])) for _ in range(s.integer(1, 2))]
        along = f", axis={s.pick([0, -1])}" if axis and s.flag() else ""
        return f"np.{function}([{', '.join([x, *rest])}]{along})"

    return rule


def cut(function: str) -> Callable[[Scope], str]:
    """One part of a split, or all of them one after the other."""

    def rule(s: Scope) -> str:
        x = s.array(1)
        axis = s.axis(x)
        length = s.shape(x)[axis]
        whole = s.pick([n for n in range(1, length + 1) if function == "array_split" or length % n == 0])
        parts = f"np.{function}({x}, {s.pick([whole, [s.integer(1, length)]])}, axis={axis})"
        return s.pick([f"{parts}[0]", f"np.concatenate({parts}[::-1], axis={axis})"])

    return rule


RULES = {
    operator.getitem: getitem,
    np.take: take,
    np.take_along_axis: take_along_axis,
    np.compress: compress,
    np.diff: diff,
    np.diagonal: diagonal,
    np.diag: diag,
    np.where: where,
    np.clip: clip,
    np.reshape: reshape,
    np.ravel: plainly("ravel"),
    np.copy: plainly("copy"),
    np.atleast_1d: plainly("atleast_1d"),
    np.atleast_2d: plainly("atleast_2d"),
    np.transpose: transpose,
    np.squeeze: squeeze,
    np.expand_dims: expand_dims,
    np.swapaxes: swapaxes,
    np.moveaxis: moveaxis,
    np.broadcast_to: broadcast_to,
    np.repeat: repeat,
    np.tile: tile,
    np.roll: roll,
    np.flip: flip,
    np.fliplr: plainly("fliplr", 2),
    np.flipud: plainly("flipud", 1),
    np.rot90: plainly("rot90", 2),
    np.tril: triangle("tril"),
    np.triu: triangle("triu"),
    np.pad: pad,
    np.concatenate: joined("concatenate", np.concatenate, axis=True),
    np.stack: joined("stack", np.stack, axis=True),
    np.vstack: joined("vstack", np.vstack),
    np.hstack: joined("hstack", np.hstack),
    np.column_stack: joined("column_stack", np.column_stack),
    np.dstack: joined("dstack", np.dstack),
    np.split: cut("split"),
    np.array_split: cut("array_split"),
}
