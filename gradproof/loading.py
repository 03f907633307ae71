"""Somebody's own file put in the place of an implementation: KEY=PATH.py[:NAME], and what in the file is meant."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

from gradproof.errors import GradproofError

DEFAULT_NAME = "gradients"


class CannotLoad(GradproofError):
    """The file or the name in it cannot be used; the message says which and why."""


def parse(spec: str) -> tuple[str, Path, str | None]:
    """(KEY, PATH, NAME) of ``KEY=PATH.py[:NAME]``; None for a NAME that is not given. Raises CannotLoad."""
    key, equals, place = spec.partition("=")
    if not equals or not key or not place:
        raise CannotLoad(f"{spec!r} is not KEY=PATH.py[:NAME]")
    path, colon, name = place.rpartition(":")
    return (key, Path(path), name) if colon and path.endswith(".py") else (key, Path(place), None)


def subject(path: Path, name: str | None) -> tuple[Any, str]:
    """What is to be checked in a file, and its name there. The file is imported here, with all that it may do.

    Without a name it is ``gradients``; or the module, where it has a forward pass among its functions; or its only
    class; or its only function, as far as they are defined there and public. Raises CannotLoad, whose message goes on
    from the name of the file, and whatever the import raises.
    """
    module = run(path)
    if name is not None:
        return attribute(module, name), name
    if hasattr(module, DEFAULT_NAME):
        return getattr(module, DEFAULT_NAME), DEFAULT_NAME
    public = {n: value for n, value in own(module).items() if not n.startswith("_")}
    classes = [n for n, value in public.items() if inspect.isclass(value)]
    functions = [n for n in public if n not in classes]
    if any(n.endswith("forward") for n in functions):
        return module, path.stem
    for candidates in (classes, functions):
        if len(candidates) == 1:
            return public[candidates[0]], candidates[0]
    raise CannotLoad(f"defines no {DEFAULT_NAME!r}, and not one thing alone; {listing(module)}: name one")


def run(path: Path) -> ModuleType:
    """The module of a file, imported under a name that no other file has."""
    name = f"gradproof_checked_{path.stem}_{crc32(str(path.resolve()).encode()):08x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CannotLoad("is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look a class's module up
    spec.loader.exec_module(module)
    return module


def attribute(module: ModuleType, name: str) -> Any:
    """The value of a name, which may be dotted."""
    try:
        return reduce(getattr, name.split("."), module)
    except AttributeError:
        raise CannotLoad(f"defines no {name!r}; {listing(module)}") from None


def own(module: ModuleType) -> dict[str, Any]:
    """The functions and classes that a module defines itself."""
    return {
        name: value
        for name, value in vars(module).items()
        if (inspect.isroutine(value) or inspect.isclass(value)) and value.__module__ == module.__name__
    }


def listing(module: ModuleType) -> str:
    return f"it defines {', '.join(sorted(own(module))) or 'no function or class'}"
