"""An instance of somebody's class for each call: of the sizes of the call, so that no call sees an earlier one."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradproof.styles.adapted import Unrecognised
from gradproof.styles.arguments import Call, read_call, roles
from gradproof.styles.contract import Contract

SIZE = "size "
"""Before the names of sizes, to keep them apart from parameters and data of the same letter."""


@dataclass(frozen=True)
class Maker:
    """Makes instances by the class, whose arguments are sizes, parameters, data or a learning rate."""

    call: Call
    contract: Contract

    def __call__(self, params: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
        sizes = {SIZE + name: size for name, size in self.contract.sizes(params, data).items()}
        copies = {name: value.copy() for name, value in params.items()}
        return self.call({**data, **copies, **sizes, "params": copies, "data": data, "rate": 1.0})

    @property
    def takes(self) -> tuple[str, ...]:
        """The names of what an instance is made of."""
        return tuple(name.removeprefix(SIZE) for name in self.call.takes)


@dataclass(frozen=True)
class Copier:
    """Copies an instance as it was when it was handed over."""

    pristine: Any

    def __call__(self, params: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
        return copy.deepcopy(self.pristine)

    @property
    def takes(self) -> tuple[str, ...]:
        return ()


def maker(subject: Any, contract: Contract) -> Maker | Copier:
    """Raises Unrecognised where an argument of the class is nothing that is known."""
    if not inspect.isclass(subject):
        return Copier(copy.deepcopy(subject))
    sizes = {SIZE + name: contract.spellings(name)[name] for name in contract.size_names}
    others = contract.spellings(*contract.params, *contract.data)
    call = read_call(subject, sizes, others, roles("params", "data", "rate"))
    if call is None:
        return Maker(Call(subject, (), {}), contract)
    if call.unknown:
        raise Unrecognised(
            f"the argument {call.unknown[0]!r} of {subject.__name__} is neither a size"
            f" ({', '.join(contract.size_names)}) nor a parameter ({', '.join(contract.params)}):"
            " give it a default, or one of these names"
        )
    return Maker(call, contract)
