"""Somebody's code, whatever its style, in the form in which it is checked. Runs next to that code, in a child process.

Nothing here imports more than NumPy; PyTorch is used where somebody's code has imported it. To add a style, add a
function to RECOGNISERS.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from gradproof.styles.adapted import Adapted, Unrecognised
from gradproof.styles.contract import Contract
from gradproof.styles.functions import function
from gradproof.styles.network import network
from gradproof.styles.passes import two_passes
from gradproof.styles.torch_code import autograd_function, module

__all__ = ["RECOGNISERS", "Adapted", "Contract", "Unrecognised", "adapt"]

RECOGNISERS: tuple[Callable[[Any, Contract], Adapted | None], ...] = (
    autograd_function,
    two_passes,
    network,
    module,
    function,
)
"""Asked in this order. Each returns None for what is not of its style, and raises Unrecognised for what is of its style
but cannot be used."""


def adapt(subject: Any, contract: Contract) -> Adapted:
    """Somebody's function, class or object in the form in which it is checked; or a module with two passes in it.

    The code may be run on the contract's example, to see what it returns. Raises Unrecognised, with one sentence.
    """
    for recognise in RECOGNISERS:
        adapted = recognise(subject, contract)
        if adapted is not None:
            return adapted
    raise Unrecognised(
        f"{described(subject)} is neither a function that returns gradients, nor has it a forward and a backward pass:"
        " docs/adapters.md shows what is accepted"
    )


def described(subject: Any) -> str:
    name = getattr(subject, "__name__", "")
    if isinstance(subject, ModuleType):
        return f"the module {name}"
    return f"the {'class' if isinstance(subject, type) else type(subject).__name__} {name}".rstrip()
