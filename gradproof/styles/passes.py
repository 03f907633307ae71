"""A forward and a backward pass that hand a cache from one to the other: methods, or two functions of a module."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from gradproof.styles.adapted import Adapted, Unrecognised
from gradproof.styles.arguments import Call, read_call, roles
from gradproof.styles.contract import Contract
from gradproof.styles.functions import passed, read_function, shown
from gradproof.styles.results import Reading


def two_passes(subject: Any, contract: Contract) -> Adapted | None:
    """forward(params, data) or forward(x, w, b), which returns (value, cache), and backward(upstream, cache)."""
    found = pair_of(subject)
    if found is None:
        return None
    forward = read_function(found[0], contract, upstream=False)
    if forward is None or not takes_everything(forward, contract):
        return None
    return Adapted(Passes(forward, backward_call(found[1], contract), contract), style_of(forward))


def pair_of(subject: Any) -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    """The two passes of an object, of a class or of a module, where functions may be called affine_forward etc."""
    if isinstance(subject, ModuleType):
        return pair_in_module(subject)
    passes = tuple(getattr(subject, name, None) for name in ("forward", "backward"))
    if not all(map(callable, passes)):
        return None
    if inspect.isclass(subject) and any(takes_self(subject, name) for name in ("forward", "backward")):
        try:
            return pair_of(subject())
        except (Exception, SystemExit):  # it wants arguments: its instances are then something else than two passes
            return None
    return passes  # type: ignore[return-value]


def pair_in_module(module: ModuleType) -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    functions = {name: value for name, value in vars(module).items() if inspect.isfunction(value)}
    pairs = [
        (value, functions[other])
        for name, value in functions.items()
        if name.endswith("forward") and (other := f"{name.removesuffix('forward')}backward") in functions
    ]
    if len(pairs) > 1:
        names = ", ".join(forward.__name__ for forward, _ in pairs)
        raise Unrecognised(f"there is more than one forward and backward pass: {names}; keep one, or name a function")
    return pairs[0] if pairs else None


def takes_self(cls: type, name: str) -> bool:
    return not isinstance(inspect.getattr_static(cls, name), staticmethod | classmethod)


def takes_everything(forward: Call, contract: Contract) -> bool:
    """Whether it is given the parameters: as a dict, or each by its name. Else they are attributes."""
    if set(forward.takes) & {"params", *contract.params}:
        return not forward.unknown and (set(contract.params) <= set(forward.takes) or "params" in forward.takes)
    return not forward.takes and len(forward.arguments) == 2


def style_of(forward: Call) -> str:
    name = getattr(forward.function, "__name__", "forward")
    if name != "forward":
        return f"the functions {name} and {name.removesuffix('forward')}backward"
    return "forward and backward passes with a cache"


def backward_call(function: Callable[..., Any], contract: Contract) -> Call:
    """What the arguments of a backward pass are: by their names, or else by how many there are."""
    usual = ("upstream", "cache") if contract.is_layer else (*passed(contract), "cache")
    known = read_call(
        function, roles("cache", "upstream", "params", "data"), contract.spellings(*contract.params, *contract.data)
    )
    if known is None or not known.arguments:
        raise Unrecognised(f"the backward pass does not say what arguments it takes; it gets ({', '.join(usual)})")
    if not known.unknown and "cache" in known.takes:
        return known
    orders = [usual] if contract.is_layer else [usual, ("upstream", "cache"), ("cache",)]
    for order in orders:
        if known.required == len(order):
            positions = [a.name for a in known.arguments if a.default is a.empty]
            return Call(function, known.arguments, dict(zip(positions, order, strict=True)))
    raise Unrecognised(f"{shown(known)} is not called as backward({', '.join(usual)})")


class Passes:
    """Somebody's two passes as those that are checked."""

    def __init__(self, forward: Call, backward: Call, contract: Contract) -> None:
        self.contract = contract
        self.call_forward = forward if forward.takes else first_two(forward)
        self.call_backward = backward
        order = tuple(name for name in forward.takes if name in (*contract.params, *contract.data))
        self.read = Reading(contract, order or contract.params, loss=False)

    def forward(self, params: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
        result = self.call_forward({**data, **params, "params": params, "data": data})
        if isinstance(result, tuple) and len(result) == 2:
            value, cache = result
            return value, (cache, params, data)
        raise TypeError(f"the forward pass must return (value, cache), not {type(result).__name__}")

    def backward(self, *args: Any) -> Any:
        """Of a layer backward(upstream, cache); of a loss backward(params, data, cache), its upstream gradient is 1."""
        *given, (cache, params, data) = args
        upstream = given[0] if self.contract.is_layer else next(iter(params.values())).dtype.type(1)
        values = {**data, **params, "params": params, "data": data, "upstream": upstream, "cache": cache}
        return self.read(self.call_backward(values))[1]


def first_two(forward: Call) -> Call:
    names = [argument.name for argument in forward.arguments[:2]]
    return Call(forward.function, forward.arguments, dict(zip(names, ("params", "data"), strict=True)))
