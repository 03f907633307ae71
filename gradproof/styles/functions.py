"""Functions that return gradients, alone or with the loss: gradients(params, data), gradients(W, U, x, y), ..."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from gradproof.styles.adapted import Adapted, Unrecognised
from gradproof.styles.arguments import Call, read_call, roles
from gradproof.styles.contract import Contract
from gradproof.styles.results import LossAndGradients, Reading, in_shape_order, returned_once
from gradproof.styles.tensors import default_dtype, dtype_of, to_array, to_tensor


def function(subject: Any, contract: Contract) -> Adapted | None:
    """A function of params and data as two dicts, or of each of them by its name; or what is called like one."""
    subject = called(subject)
    if not inspect.isroutine(subject) and not is_callable_record(subject):
        return None
    call, expected = read_function(subject, contract, upstream=contract.is_layer), passed(contract)
    if call is None or not names_everything(call, contract):
        if call is not None and not takes_dicts(call, contract):
            raise Unrecognised(
                f"{shown(call)} is neither a function of ({', '.join(expected)}) nor of {names(contract)}"
            )
        style = f"a function of ({', '.join(expected)})"
        return returning_gradients(subject, contract, contract.params, style)

    def by_name(params: Any, data: Any, upstream: Any = None) -> Any:
        return call({**data, **params, "params": params, "data": data, "upstream": upstream})

    given = [name for name in call.takes if name in (*contract.params, *contract.data)]
    order = (*given, *(name for name in contract.params if name not in given))
    return returning_gradients(by_name, contract, order, "a function that gets parameters and data by their names")


def called(subject: Any) -> Any:
    """An object of a class whose objects are called, where it needs no arguments; anything else itself."""
    if inspect.isclass(subject) and inspect.isfunction(getattr(subject, "__call__", None)):  # noqa: B004 (of the class)
        return returned_once(subject) or subject
    return subject


def is_callable_record(subject: Any) -> bool:
    """An object that is called like a function, and has no pass of its own to be called instead."""
    passes = ("forward", "backward", "backprop", "get_gradients")
    return callable(subject) and not inspect.isclass(subject) and not any(hasattr(subject, name) for name in passes)


def read_function(subject: Any, contract: Contract, *, upstream: bool, skip: int = 0) -> Call | None:
    """What its arguments are. One of an unknown name is what is left: the one name that no argument has, or the dict of
    all parameters, if it comes first.
    """
    everything = (*contract.params, *contract.data, *(["upstream"] if upstream else []))
    beside = roles("params", "data", *(["upstream"] if upstream else []))
    call = read_call(subject, contract.spellings(*contract.params, *contract.data), beside, skip=skip)
    if call is None or not call.arguments:
        return None
    left = [name for name in everything if name not in call.takes]
    if len(contract.params) > 1 and set(contract.params) <= set(left) and call.unknown[:1] == call.names[:1]:
        left = ["params", *(name for name in left if name not in contract.params)]
    if len(call.unknown) != 1 or len(left) != 1 or {"params", "data"} & set(call.takes):
        return call
    (argument,), (name,) = call.unknown, left
    another = any(argument in others for others in contract.spellings(*call.takes).values())
    return call if another else call.knowing(argument, name)


def names_everything(call: Call, contract: Contract) -> bool:
    """Whether its arguments are not just the two dicts, but each parameter, or each piece of data, by its name."""
    complete = "params" in call.takes or set(contract.params) <= set(call.takes)
    return complete and not call.unknown and bool(set(call.takes) - {"params", "data", "upstream"})


def takes_dicts(call: Call, contract: Contract) -> bool:
    """Whether it can be called with the two dicts: as far as its arguments tell, by their number and their names."""
    if set(call.takes) & {*contract.params, *contract.data} and "data" not in call.takes:
        return False
    return call.required <= len(passed(contract)) <= len(call.arguments)


def returning_gradients(compute: Callable[..., Any], contract: Contract, order: tuple[str, ...], style: str) -> Adapted:
    """A function as it is checked: its results are read, and its loss is checked too if it returns one."""
    read, loss = Reading(contract, order), None
    if contract.example:
        params, data, upstream = contract.values()
        given = (params, data, upstream) if contract.is_layer else (params, data)
        returned = returned_once(lambda: compute(*given))
        if returned is None and (in_tensors := returned_once(lambda: of_tensors(compute)(*given))) is not None:
            compute, returned = of_tensors(compute), in_tensors
        read = in_shape_order(read, to_array(returned), params)
        loss, _ = read(to_array(returned))

    def gradients(*args: Any) -> Any:
        return read(to_array(compute(*args)))[1]

    def both(params: Any, data: Any) -> Any:
        return read(to_array(compute(params, data)))

    if loss is None or contract.is_layer:
        return Adapted(gradients, style)
    return Adapted(LossAndGradients(both), f"{style}, which returns the loss and the gradients")


def of_tensors(compute: Callable[..., Any]) -> Callable[..., Any]:
    """The function called with tensors in the place of arrays, where PyTorch is loaded."""

    def called(params: Any, data: Any, *upstream: Any) -> Any:
        with default_dtype(dtype_of(params)):
            return compute(*(to_tensor(value) for value in (params, data, *upstream)))

    return called


def passed(contract: Contract) -> tuple[str, ...]:
    return ("params", "data", "upstream") if contract.is_layer else ("params", "data")


def names(contract: Contract) -> str:
    """The arguments of a function that gets everything by its name."""
    return f"({', '.join((*contract.params, *contract.data, *passed(contract)[2:]))})"


def shown(call: Call) -> str:
    name = getattr(call.function, "__name__", type(call.function).__name__)
    return f"{name}({', '.join(call.names)})"
