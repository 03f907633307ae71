"""Where a result comes from: the environment it was found in, and the source of the code that was checked."""

from __future__ import annotations

import functools
import inspect
import platform
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

# The environment ---------------------------------------------------------------------------------------------------


@functools.cache
def environment() -> str:
    """What may differ between two runs of one project, in one line: Python, the packages that count, the system."""
    packages = (
        version(package, name) for package, name in {"numpy": "NumPy", "sympy": "SymPy", "torch": "torch"}.items()
    )
    system = f"{platform.system()} {platform.machine()}"  # the width of long double depends on the machine
    return ", ".join([f"Python {platform.python_version()}", *packages, system])


def version(package: str, name: str) -> str:
    try:
        return f"{name} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return f"no {name}"


# The code ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Code:
    """Source code as it was checked.

    file: relative to the working directory where it lies inside, else its name alone. name: qualified. text: the source
    of a function or, for an object, of its class; then that of what it is put together from (the fields of a dataclass,
    what a function closes over), as far as the same file defines it.
    """

    file: str
    name: str
    text: str


def code_of(code: Any) -> Code | None:
    """The source of the code under test; None where there is none: built in, compiled, made by ``exec``."""
    try:
        definition = definition_of(code)
        file = file_of(definition)
        texts = [source(definition)]
        for part in map(definition_of, parts(code)):
            if file_of(part) == file and not any(source(part) in text for text in texts):
                texts.append(source(part))
        return Code(shown(Path(file)), getattr(definition, "__qualname__", definition.__name__), "\n\n\n".join(texts))
    except Exception:  # no source, or somebody's object that answers an inspection with anything at all
        return None


def definition_of(code: Any) -> Any:
    """What has a source: a function, class or module itself, the inside of a partial or decorated one, else a class."""
    code = inspect.unwrap(code)
    while isinstance(code, functools.partial):
        code = inspect.unwrap(code.func)
    return code if inspect.isroutine(code) or inspect.isclass(code) or inspect.ismodule(code) else type(code)


def parts(code: Any) -> Iterable[Any]:
    """The functions and dataclass instances that make up the code, each once, and those that make up these."""
    found = [code]
    for whole in found:  # grows while it is walked
        found += [part for part in held(whole) if is_part(part) and not any(part is other for other in found)]
    return found[1:]


def is_part(value: Any) -> bool:
    return inspect.isfunction(value) or (is_dataclass(value) and not inspect.isclass(value))


def held(code: Any) -> Iterable[Any]:
    if isinstance(code, functools.partial):
        return [code.func, *code.args, *code.keywords.values()]
    if inspect.isfunction(code):
        return inspect.getclosurevars(code).nonlocals.values()
    if is_dataclass(code):
        return [getattr(code, field.name) for field in fields(code)]
    return []


def file_of(definition: Any) -> str:
    """The file a definition stands in; "" for a part that stands in none."""
    try:
        return inspect.getsourcefile(definition) or inspect.getfile(definition)
    except TypeError:  # built in
        return ""


def source(definition: Any) -> str:
    return textwrap.dedent(inspect.getsource(definition)).strip("\n")


def shown(path: Path) -> str:
    whole, here = path.resolve(), Path.cwd()
    return whole.relative_to(here).as_posix() if whole.is_relative_to(here) else path.name
