"""Modules of the engine that are loaded from changed code, in a process that has not imported them yet."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType
from typing import Any

from tests.mutation.mutants import path_of


class Changed(MetaPathFinder):
    """Finds the modules of some names, and loads each from the code that its function returns."""

    def __init__(self, codes: Mapping[str, Callable[[], CodeType]]) -> None:
        self.codes = codes

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname not in self.codes:
            return None
        place = str(path_of(fullname))
        return importlib.util.spec_from_file_location(fullname, place, loader=Loader(fullname, place, self.codes))


class Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, codes: Mapping[str, Callable[[], CodeType]]) -> None:
        super().__init__(fullname, path)
        self.codes = codes

    def get_code(self, fullname: str) -> CodeType:
        return self.codes[fullname]()


def load_from(codes: Mapping[str, Callable[[], CodeType]]) -> None:
    """From now on these modules are imported with other code. Raises RuntimeError where one has been imported."""
    if known := sorted(codes.keys() & sys.modules.keys()):
        raise RuntimeError(f"{known[0]} is imported already, so a change of it would not be seen")
    sys.meta_path.insert(0, Changed(codes))
