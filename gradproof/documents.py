"""The catalogue a command works on: the documents' own, or another project's, found by name when it is needed.

The engine imports no catalogue (tests/test_walls.py): it must not depend on one. A command cannot do without. The two
packages have general names and are therefore no top-level packages of an installation: the wheel keeps them in
``gradproof/_documents``, a checkout beside ``gradproof``. That folder is on the path only while they are imported, so
that the process which runs somebody's code does not find the right code there by its name.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from gradproof.catalogue import Formula, collect
from gradproof.errors import GradproofError
from gradproof.problem import Implementation, Problem

DOCUMENTS = "derivations:implementations"
PACKAGE = Path(__file__).parent
PLACES = (PACKAGE / "_documents", PACKAGE.parent)
"""Where the documents' packages are: in the wheel, and in a checkout."""


class NoCatalogue(GradproofError):
    """There is no catalogue under the names given; the message says where it was looked for."""


class NoFormula(GradproofError):
    """A key that no formula has; the message names those that are near."""


@dataclass(frozen=True)
class Catalogue:
    """Formulas, in the order of the files, and the implementation of each."""

    formulas: Mapping[str, Formula]
    implementations: Mapping[str, Implementation]

    def formula(self, key: str) -> Formula:
        """The formula of this key. Raises NoFormula."""
        if key in self.formulas:
            return self.formulas[key]
        raise NoFormula(f"there is no formula {key!r}; {nearest(key, self.formulas)}")

    def problem(self, key: str) -> Problem:
        """The problem of checking code for the formula of this key. Raises NoFormula."""
        return self.formula(key).problem(self.implementations[key])


def nearest(key: str, keys: Iterable[str]) -> str:
    """What to try instead of a key that is none, as the second half of a sentence."""
    near = difflib.get_close_matches(key, keys, n=3)
    return f"did you mean {' or '.join(near)}?" if near else "'gradproof list' shows them all"


def catalogue(packages: str = DOCUMENTS) -> Catalogue:
    """The formulas of one package and the implementations of another, ``"DERIVATIONS:IMPLEMENTATIONS"``.

    Packages other than the documents' are looked for from the working directory too. Raises NoCatalogue.
    """
    derivations, colon, implementations = packages.partition(":")
    if not colon or not derivations or not implementations:
        raise NoCatalogue(f"{packages!r} is not DERIVATIONS:IMPLEMENTATIONS, the names of two packages")
    folder = documents() if packages == DOCUMENTS else Path.cwd()
    with first_on_path(folder):
        formulas = collect(package(derivations, folder), Formula)
        codes = collect(package(implementations, folder), Implementation)
    both = {key: formula for key, formula in formulas.items() if key in codes}
    if not both:
        raise NoCatalogue(f"no formula of {derivations} has an implementation in {implementations}")
    return Catalogue(both, codes)


def documents() -> Path:
    """The folder that holds the documents' packages. Raises NoCatalogue where this installation has none."""
    for folder in PLACES:
        if all((folder / name / "__init__.py").is_file() for name in DOCUMENTS.split(":")):
            return folder
    raise NoCatalogue("the documents' formulas are not part of this installation; install the wheel, or use a checkout")


@contextmanager
def first_on_path(folder: Path) -> Iterator[None]:
    before = sys.path
    sys.path = [str(folder), *before]
    try:
        yield
    finally:
        sys.path = before


def package(name: str, folder: Path) -> ModuleType:
    """The package of this name; the documents' must be those of ``folder``, no other project's of the same name."""
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise NoCatalogue(f"the package {name!r} cannot be imported: {error}") from error
    if name in DOCUMENTS.split(":") and Path(str(module.__file__)).parent.parent != folder:
        raise NoCatalogue(f"another package called {name!r} is loaded already, from {module.__file__}")
    return module
