"""What runs leave is kept: a file for each seed, with a fingerprint of the code that made it."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gradproof.errors import InvalidProblem
from gradproof.reproduction import Reproduction, Run

PACKAGE = "reproductions"


class Unusable(Exception):
    """A kept run that must not be used; the message is the reason."""


class Store:
    """Runs in files, ``folder/runs/KEY/SEED.json``. package: whose modules define the reproductions."""

    def __init__(self, folder: Path, package: str = PACKAGE) -> None:
        self.folder, self.package = folder, package
        self.fingerprints: dict[str, str] = {}

    def path(self, reproduction: Reproduction, seed: int) -> Path:
        return self.place(reproduction) / f"{seed}.json"

    def place(self, reproduction: Reproduction) -> Path:
        return self.folder / "runs" / reproduction.key

    def fingerprint(self, reproduction: Reproduction) -> str:
        module = home(reproduction, self.package)
        if module not in self.fingerprints:
            self.fingerprints[module] = fingerprint(module)
        return self.fingerprints[module]

    def keep(self, reproduction: Reproduction, seed: int, run: Run, seconds: float) -> None:
        """Write a run, as ``plain`` gives it, whole or not at all."""
        path = self.path(reproduction, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {
            "key": reproduction.key,
            "seed": seed,
            "fingerprint": self.fingerprint(reproduction),
            "seconds": seconds,
            "run": without_infinities(run),
        }
        unfinished = path.with_suffix(".part")
        unfinished.write_text(json.dumps(record, ensure_ascii=False, allow_nan=False), encoding="utf-8")
        unfinished.replace(path)

    def read(self, reproduction: Reproduction, seed: int) -> tuple[Run, float]:
        """A run and the seconds it took. Raises FileNotFoundError, or Unusable with the reason."""
        try:
            text = self.path(reproduction, seed).read_text(encoding="utf-8")
            record = json.loads(text, object_hook=with_infinities, parse_constant=no_constant)
        except FileNotFoundError:
            raise
        except (OSError, ValueError, RecursionError) as error:
            raise Unusable(f"damaged ({type(error).__name__}: {error})") from error
        shape: dict[str, Any] = {"key": str, "seed": int, "fingerprint": str, "seconds": (int, float), "run": dict}
        if not isinstance(record, dict) or not all(isinstance(record.get(name), kind) for name, kind in shape.items()):
            raise Unusable("damaged (not the record of a run)")
        if (record["key"], record["seed"]) != (reproduction.key, seed):
            raise Unusable(f"the run of {record['key']}, seed {record['seed']}")
        if record["fingerprint"] != self.fingerprint(reproduction):
            raise Unusable("made by other code")
        return record["run"], float(record["seconds"])


# Runs in JSON --------------------------------------------------------------------------------------------------------


def plain(value: Any, name: str = "the run") -> Any:
    """A run as JSON would give it back: NumPy's numbers and arrays as Python's, tuples as lists.

    Raises TypeError for what JSON cannot hold; the message names it.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        if odd := [key for key in value if not isinstance(key, str)]:
            raise TypeError(f"{name} has the name {odd[0]!r}, which is no string")
        return {key: plain(item, key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, name) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{name} is a {type(value).__name__}, which cannot be kept")


def without_infinities(value: Any) -> Any:
    """JSON has no infinity and no NaN: they are kept as ``{"float": "nan"}``, which no string can be mistaken for."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if isinstance(value, dict):
        return {key: without_infinities(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_infinities(item) for item in value]
    return value


def with_infinities(value: dict[str, Any]) -> Any:
    return float(value["float"]) if value.keys() == {"float"} and isinstance(value["float"], str) else value


def no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


# Which code made a run -----------------------------------------------------------------------------------------------


def home(reproduction: Reproduction, package: str) -> str:
    """The module of a package that defines a record; if others import it from there, the first by name that has it."""
    holders = [
        name
        for name, module in list(sys.modules.items())
        if name.startswith(f"{package}.") and any(value is reproduction for value in vars(module).values())
    ]
    if not holders:
        raise InvalidProblem(f"{reproduction.key}: no module of {package} defines it at top level")
    return min(holders)


def fingerprint(module: str) -> str:
    """Of the code that a reproduction's module runs: its sources, and the versions of the libraries they use.

    The engine is left out: it judges runs and makes none.
    """
    sources, libraries = reached(module)
    digest = hashlib.sha256()
    for item in [*sorted(sources.items()), *sorted(versions(libraries - {"gradproof"}))]:
        digest.update(json.dumps(item).encode())
    return digest.hexdigest()


def reached(module: str) -> tuple[dict[str, str], set[str]]:
    """The source of a module and of all it imports, directly or not, from its own package and from ``implementations``;
    and the names of what it imports from elsewhere."""
    own = {module.partition(".")[0], "implementations"}
    sources: dict[str, str] = {}
    libraries: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        top = name.partition(".")[0]
        if top not in own:
            libraries.add(top)
        elif name not in sources and (path := file_of(name)) is not None:
            sources[name] = path.read_text(encoding="utf-8")
            waiting += imported(sources[name])
    return sources, libraries


def imported(text: str) -> Iterator[str]:
    """The modules that a source imports, wherever in it; a name that is taken from a package may be one too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def file_of(module: str) -> Path | None:
    """None where there is no such module."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:  # what should be its package is a module
        return None
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


def versions(libraries: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Of those that are installed and are no part of Python."""
    for name in libraries:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            yield name, importlib.metadata.version(name)
