"""A printed formula of backpropagation as a claim: in the place of the proved one, for SymPy to look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from derivations import elman


def claimed(net: Callable[[], elman.Network], claim: str, value: Callable[[], Any]) -> Callable[[], Any]:
    """A network's theorem with one of its formulas replaced; to call it is to have SymPy check that formula."""

    def look() -> Any:
        theorem = net().theorem
        equation = replace(theorem.backward[claim], value=value())
        return replace(theorem, backward={**theorem.backward, claim: equation}).check(claim)

    return look
