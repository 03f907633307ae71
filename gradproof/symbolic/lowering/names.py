"""Names that emitted code may use for symbols."""

from __future__ import annotations

import keyword
from typing import Any

from gradproof.symbolic import runtime
from gradproof.symbolic.lowering.code import CannotLower

BUILTINS = ("real", "zeros", "range", "len", "max", "min")
RESERVED = frozenset([*keyword.kwlist, *keyword.softkwlist, *runtime.NAMES, *BUILTINS])


class Names:
    """Python names for symbols: their own, with an underscore where that is taken or means something else."""

    def __init__(self) -> None:
        self._given: dict[str, Any] = {}
        self.used: set[Any] = set()

    def of(self, symbol: Any) -> str:
        """The name of a symbol, array or index, which counts as used from now on."""
        self.used.add(symbol)
        name = str(symbol).removeprefix("\\")
        if not name.isidentifier():
            raise CannotLower(f"{symbol} is no Python name")
        while name in RESERVED or self._given.setdefault(name, symbol) != symbol:
            name += "_"
        return name
