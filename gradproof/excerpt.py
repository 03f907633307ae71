"""The source of a function with everything it calls of its own package, as one text that runs by itself."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from gradproof.errors import GradproofError


class CannotExcerpt(GradproofError):
    """A function whose source cannot be put together; the message says what is in the way."""


def excerpt(function: Callable[..., Any]) -> tuple[list[str], list[str]]:
    """(import statements, definitions) that define ``function`` under its own name; what is called comes first.

    Functions of the package that ``function`` belongs to are written out; everything else is imported. Raises
    CannotExcerpt where a name stands for something that is neither, or for two things.
    """
    imports: dict[str, str] = {}
    definitions: dict[FunctionType, str] = {}
    include(plain_function(function), imports, definitions)
    names = [each.__name__ for each in definitions]
    if len({*names, *imports}) < len(names) + len(imports):
        raise CannotExcerpt(f"{function.__name__} uses two things of one name")
    return sorted(imports.values()), list(definitions.values())


def include(function: FunctionType, imports: dict[str, str], definitions: dict[FunctionType, str]) -> None:
    source = inspect.getsource(function).rstrip()
    package = function.__module__.partition(".")[0]
    for name in globals_of(function, source):
        value = function.__globals__[name]
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] != package:
            imports[name] = f"import {value.__name__}" + (f" as {name}" if name != value.__name__ else "")
        elif isinstance(value, FunctionType) and value.__module__.partition(".")[0] == package:
            if value is not function and value not in definitions:
                include(plain_function(value, name), imports, definitions)
        elif getattr(value, "__name__", None) == name and hasattr(value, "__module__"):
            imports[name] = f"from {value.__module__} import {name}"
        else:
            raise CannotExcerpt(f"{function.__name__} uses {name}, which is neither a function nor can be imported")
    definitions[function] = source


def plain_function(function: Any, name: str | None = None) -> FunctionType:
    """A function with a source that defines it under the name it is used by, at the top level of a module."""
    if not isinstance(function, FunctionType) or function.__closure__ or function.__qualname__ != function.__name__:
        raise CannotExcerpt(f"{function!r} is not a function defined at the top level of a module")
    if not function.__name__.isidentifier() or name not in (None, function.__name__):
        raise CannotExcerpt(f"{function.__name__} is not defined under the name {name or 'it has'}")
    return function


def globals_of(function: FunctionType, source: str) -> Iterator[str]:
    """The names in a function's source, annotations included, that its module defines."""
    names = (node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name))
    own = function.__code__.co_varnames
    yield from (name for name in dict.fromkeys(names) if name in function.__globals__ and name not in own)
