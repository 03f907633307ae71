"""A class whose instances hold the parameters: forward(x), and a backward pass that returns, keeps or applies them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from gradproof.styles.adapted import Adapted, Unrecognised
from gradproof.styles.arguments import ROLES, Call, read_call, roles
from gradproof.styles.contract import Contract
from gradproof.styles.instance import IN_PLACE, Instances, Layer, Run, flat, has_rate
from gradproof.styles.making import Copier, Maker, maker
from gradproof.styles.results import LossAndGradients, Reading, in_shape_order, returned_once, squeezed
from gradproof.styles.tensors import default_dtype, is_module, is_tensor
from gradproof.styles.weights import find, inner

FORWARD = ("forward", "forward_pass", "feedforward", "__call__")
BACKWARD = (
    *("get_gradients", "backprop", "backward", "bptt", "backpropagate", "back_propagate", "backward_pass"),
    *("compute_gradients", "gradients", "loss_and_gradients", "loss_and_grads", "loss"),
)
SLOPE = ("loss_gradient", "loss_grad", "grad_loss", "d_loss", "dloss", "loss_derivative", "loss_prime")

WAY_OUT = "write a function gradients(params, data) in your file that calls it; docs/adapters.md has examples"


def network(subject: Any, contract: Contract) -> Adapted | None:
    """A class with the parameters as attributes, as labs and tutorials have it, in NumPy or with tensors."""
    forward_name, backward_name = method(subject, FORWARD), method(subject, BACKWARD)
    if backward_name is None:
        return None
    if not contract.example:
        raise Unrecognised(f"a class that holds the parameters is tried on an example, and there is none: {WAY_OUT}")
    make = maker(subject, contract)
    params, data, _ = contract.values()
    with default_dtype(np.float64):
        theirs = made(make, params, data)
    forward = forward_call(getattr(theirs, forward_name), contract) if forward_name else None
    backward = backward_call(getattr(theirs, backward_name), contract)
    sizes = {name: size for name, size in contract.sizes(params, data).items() if name in make.takes}
    weights = find(theirs, contract, (*make.takes, *(forward.takes if forward else ())), sizes)
    code = Instances(
        contract=contract,
        make=make,
        weights=weights,
        forward=forward,
        backward=backward,
        columns=any(layout.column for layout in weights.layouts.values()),
        tensors=is_module(theirs) or any(is_tensor(inner(theirs, path)) for path in weights.paths.values()),
        slope=loss_slope(theirs, contract) if "upstream" in backward.takes else None,
        places=(0, 1),
        read=Reading(contract, contract.params, loss=forward is None),
    )
    return settled(code, has_rate(theirs, backward), weights.ones(contract))


CANNOT_SET = (
    "the backward pass changes the weights, and its learning rate cannot be set: make it an argument or an attribute"
    f" called {', '.join(ROLES['rate'])}, or return the gradients"
)

# What is found before anything is run -------------------------------------------------------------------------------


def method(subject: Any, names: tuple[str, ...]) -> str | None:
    """The first of these that its class or one of its bases defines; every class has a __call__, of another kind."""
    bases = (subject if inspect.isclass(subject) else type(subject)).__mro__[:-1]
    return next((name for name in names if any(callable(vars(base).get(name)) for base in bases)), None)


def made(make: Maker | Copier, params: Any, data: Any) -> Any:
    try:
        return make(params, data)
    except (Exception, SystemExit) as error:
        raise Unrecognised(f"the class cannot be instantiated: {type(error).__name__}: {error}") from error


def forward_call(function: Any, contract: Contract) -> Call:
    """What the arguments of forward are; the first of them is the first piece of data where its name is unknown."""
    call = read_call(function, contract.spellings(*contract.data, *contract.params))
    if call is None:
        raise Unrecognised("forward does not say what arguments it takes")
    if len(call.unknown) == 1 and contract.data and contract.data[0] not in call.takes:
        call = call.knowing(call.unknown[0], contract.data[0])
    return known(call, "forward", contract)


def backward_call(function: Any, contract: Contract) -> Call:
    """What the arguments of the backward pass are; one of an unknown name is the upstream gradient."""
    others = roles("upstream", "rate", "output", "hidden")
    call = read_call(function, contract.spellings(*contract.data, *contract.params), others)
    if call is None:
        raise Unrecognised("the backward pass does not say what arguments it takes")
    if len(call.unknown) == 1 and "upstream" not in call.takes:
        call = call.knowing(call.unknown[0], "upstream")
    if contract.is_layer and "upstream" not in call.takes:
        raise Unrecognised(f"no argument of the backward pass is the upstream gradient, which a layer gets: {WAY_OUT}")
    return known(call, "the backward pass", contract)


def known(call: Call, what: str, contract: Contract) -> Call:
    if call.unknown:
        raise Unrecognised(
            f"the argument {call.unknown[0]!r} of {what} is neither data ({', '.join(contract.data)}) nor anything else"
            f" that is known: {WAY_OUT}"
        )
    return call


def loss_slope(theirs: Any, contract: Contract) -> Call | None:
    """Their function for the derivative of the loss by the output; for a class label it is known without one.

    Raises Unrecognised where it is needed and missing.
    """
    if contract.is_layer:
        return None
    around = getattr(sys.modules.get(type(theirs).__module__), "__dict__", {})
    for name in SLOPE:
        function = getattr(theirs, name, None) or around.get(name)
        call = read_call(function, roles("output"), contract.spellings(*contract.data)) if callable(function) else None
        if call is not None and not call.unknown:
            return call
    if "label" in contract.data:
        return None
    raise Unrecognised(
        "the backward pass gets the derivative of the loss by the output, which nothing here computes: add a function"
        f" loss_gradient(y_pred, y_true), or {WAY_OUT}"
    )


# What is found by trying --------------------------------------------------------------------------------------------


def settled(code: Instances, has_rate: bool, ones: dict[str, int]) -> Adapted:
    """With what an example shows: which of the results of forward is the output, and how the gradients are given.

    Raises Unrecognised where they are only to be had from the weights, and no learning rate can be set.
    """
    params, data, upstream = code.contract.values(ones)
    like = upstream if code.contract.is_layer else data.get("y")
    with default_dtype(np.float64):
        forwarded = returned_once(lambda: code.forwarded(params, data)[2])
        code = replace(code, places=output_and_hidden(code, forwarded, like))
        run = returned_once(lambda: code.run(params, data, upstream))
        if run is None:
            code = replace(code, in_place=has_rate)
        else:
            code = replace(code, read=in_shape_order(code.read, run.returned, params))
            code = replace(code, in_place=code.found(run)[0] == IN_PLACE)
    if code.in_place and not has_rate:
        raise Unrecognised(CANNOT_SET)
    style = " and ".join(call.function.__name__ for call in (code.forward, code.backward) if call is not None)
    return Adapted(as_checked(code, run), f"a class with {style}", ones, tuple(notes_on(code, ones)))


def as_checked(code: Instances, run: Run | None) -> Any:
    if code.contract.is_layer:
        return Layer(code)
    returns_loss = run is not None and code.read(run.returned)[0] is not None
    return LossAndGradients(code.loss_and_gradients) if returns_loss else code.gradients


def output_and_hidden(code: Instances, returned: Any, like: Any) -> tuple[int, int]:
    """Which part of a tuple is the output, by its shape or else by custom; the first of the others is hidden."""
    output = 1 if "hidden" in code.backward.takes else 0
    if isinstance(returned, tuple) and len(returned) > 1 and like is not None:
        fitting = [k for k, part in enumerate(returned) if squeezed(flat(part, code.columns)) == squeezed(like)]
        output = fitting[0] if fitting else output
    return output, 1 if output == 0 else 0


def notes_on(code: Instances, ones: dict[str, int]) -> Iterator[str]:
    if ones:
        yield f"its arrays have no axis for {' and '.join(ones)}"
    if any(layout.transposed for layout in code.weights.layouts.values()):
        yield "its matrices are taken as the transposed of ours"
    if code.in_place:
        yield (
            f"{code.backward.function.__name__} updates the weights, from whose difference its gradient is taken; for"
            " that it runs in float64, also where the point is in float32"
        )
    if code.slope is None and "upstream" in code.backward.takes and not code.contract.is_layer:
        yield "the derivative of the loss by the output, softmax minus one-hot of the label, is not theirs"
    if code.in_place and "upstream" in code.backward.takes:
        yield "it gets 2**-32 times the upstream gradient, so that clipping before the update does not act"
