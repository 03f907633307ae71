"""Somebody's own file put in the place of an implementation: KEY=PATH.py[:NAME]."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Any

from gradproof.errors import GradproofError

DEFAULT_NAME = "gradients"


class CannotLoad(GradproofError):
    """The file or the name in it cannot be used; the message says which and why."""


def load(spec: str) -> tuple[str, Any]:
    """(KEY, the code under test) from ``KEY=PATH.py[:NAME]``; NAME is ``gradients`` unless given.

    A class is instantiated. Raises CannotLoad.
    """
    key, equals, place = spec.partition("=")
    if not equals or not key or not place:
        raise CannotLoad(f"{spec!r} is not KEY=PATH.py[:NAME]")
    path, colon, name = place.rpartition(":")
    if not colon or not path.endswith(".py"):
        path, name = place, DEFAULT_NAME
    return key, attribute(run(Path(path)), Path(path), name)


def run(path: Path) -> Any:
    """The module of a file, imported under a name of its own."""
    if not path.is_file():
        raise CannotLoad(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"gradproof_checked_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise CannotLoad(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look a class's module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise CannotLoad(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def attribute(module: Any, path: Path, name: str) -> Any:
    if not hasattr(module, name):
        own = sorted(
            n for n, v in vars(module).items() if callable(v) and getattr(v, "__module__", "") == module.__name__
        )
        raise CannotLoad(f"{path} defines no {name!r}; it defines {', '.join(own) or 'no function or class'}")
    value = getattr(module, name)
    if not inspect.isclass(value):
        return value
    try:
        return value()
    except Exception as error:
        raise CannotLoad(f"{path}:{name} cannot be instantiated: {type(error).__name__}: {error}") from error
