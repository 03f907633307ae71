"""What somebody's code returned, as plain data; nothing that it returned is asked for its own opinion.

All that is used of NumPy and of Python's types is bound here, before their code is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from numpy import asarray, generic, ndarray
from numpy.ma import MaskedArray

from gradproof.isolation.wire import DEPTH, KINDS, LONG, StandIn

class_name = type.__dict__["__name__"].__get__
"""The name of a class, whatever its metaclass says of it."""


def plain(value: Any, depth: int = 0) -> Any:
    """The value in None, numbers, text, NumPy's own arrays and scalars, lists, tuples and dicts; else a stand-in.

    A subclass is taken for what it derives from, with the contents it really has; a masked array, which says that its
    entries are no values, for no array. Whatever a mapping of their own raises is raised.
    """
    kind = type(value)
    if value is None or kind in (bool, float):
        return value
    if (kind is int and value.bit_length() <= LONG) or (kind is str and len(value) <= LONG):
        return value
    if issubclass(kind, generic):
        return asarray(value)[()]
    if issubclass(kind, ndarray) and not issubclass(kind, MaskedArray):
        array = asarray(value)
        if array.dtype.kind == "O" or KINDS.fullmatch(array.dtype.str):
            return array
    if depth < DEPTH:
        if issubclass(kind, dict):
            return {key_text(key): plain(part, depth + 1) for key, part in dict.items(value)}
        if issubclass(kind, tuple):
            return tuple(plain(part, depth + 1) for part in tuple.__iter__(value))
        if issubclass(kind, list):
            return [plain(part, depth + 1) for part in list.__iter__(value)]
        if issubclass(kind, Mapping):
            return {key_text(key): plain(value[key], depth + 1) for key in value}
    return StandIn.of(class_name(kind))


def numbers(value: Any) -> Any:
    """The same for a loss or an output, which may also be what NumPy can make numbers of: a tensor."""
    found = plain(value)
    if not isinstance(found, StandIn):
        return found
    try:
        array = asarray(value)
    except Exception:  # it says no, in its own words
        return found
    return array if type(array) is ndarray and array.dtype.kind in "fiu" else found


def key_text(key: Any) -> str:
    """The key of a mapping as text: itself, or what shows that it is none."""
    if type(key) is str and len(key) <= LONG:
        return key
    return repr(key) if type(key) in (int, float, bool, type(None)) else f"<{class_name(type(key))}>"


def described(error: BaseException, file: str) -> str:
    """An exception as one line: its class, its message and the last line of ``file`` that it passed through."""
    try:
        message = " ".join(str(error).split())[:LONG]
    except BaseException:  # their class, their __str__
        message = "(its message cannot be shown)"
    line = last_line(error.__traceback__, file)
    return class_name(type(error)) + f": {message}" * bool(message) + f" (line {line})" * bool(line)


def last_line(traceback: TracebackType | None, file: str) -> int | None:
    line = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
