"""One call of a class whose instances hold the parameters: made, given its weights, run forward and backward, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.styles.arguments import ROLES, Call
from gradproof.styles.contract import Contract
from gradproof.styles.making import Copier, Maker
from gradproof.styles.names import matched
from gradproof.styles.results import Reading
from gradproof.styles.tensors import default_dtype, dtype_of, is_module, is_tensor, to_array, to_tensor
from gradproof.styles.weights import Weights, candidates, inner

SCALES = (2.0**320, 2.0**-32)
"""What an upstream gradient is multiplied by that weights are updated from, and the gradient divided by: the backward
pass is linear, and powers of two change no digit. With the last, a clip at 1 or the like does not act, which belongs to
the update and not to the gradient. The first is for the entries that are then so small that the weights hide them."""

RATE = 2.0**980
"""The learning rate of such an update, so large that the weights are lost in it by rounding: the difference that it
makes is the gradient, to the last bit. It takes float64."""

CLEAR = 2.0**64
"""How many times larger than the weight the difference must be for that."""

IN_PLACE = "in place"

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """What a forward and a backward pass leave: the instance, what backward returned, and the weights before it."""

    theirs: Any
    returned: Any
    before: Values


@dataclass(frozen=True)
class Instances:
    """A class as code that is checked: each call makes an instance, so that no call sees an earlier one.

    forward, backward: their two methods, and what the arguments are; forward is None where the other does it all.
    columns: vectors are columns, and a sequence is a list of them. tensors: arrays are handed over as tensors. slope:
    their function for the derivative of the loss by the output. places: where forward returns a tuple, which of it is
    the output, and which are the hidden states. read: how the gradients that backward returns are named. in_place:
    backward updates the weights.
    """

    contract: Contract
    make: Maker | Copier
    weights: Weights
    forward: Call | None
    backward: Call
    columns: bool
    tensors: bool
    slope: Call | None
    places: tuple[int, int]
    read: Reading
    in_place: bool = False

    # One call --------------------------------------------------------------------------------------------------------

    def output(self, params: Values, data: Values) -> Any:
        """What forward returns as the output, as theirs."""
        with default_dtype(dtype_of(params)):
            return self.seen(self.forwarded(params, data)[2])["output"]

    def gradients(self, params: Values, data: Values, upstream: Any = None) -> Any:
        """The gradients by name, as ours; what cannot be named is handed on as it was returned."""
        return self.loss_and_gradients(params, data, upstream)[1]

    def loss_and_gradients(self, params: Values, data: Values, upstream: Any = None) -> tuple[Any, Any]:
        """The same, and the loss where backward returns it, else None."""
        if self.in_place:
            with default_dtype(np.float64):
                return None, self.weights.gradients(self.updates(params, data, upstream))
        with default_dtype(dtype_of(params)):
            run = self.run(params, data, upstream)
            _, found = self.found(run)
        return self.read(run.returned)[0], self.weights.gradients(found) if isinstance(found, Mapping) else found

    def updates(self, params: Values, data: Values, upstream: Any) -> dict[str, Any]:
        """The gradients, as theirs, of a backward pass that leaves nothing but changed weights."""
        values = in_double(params), in_double(data), in_double(upstream)
        found: dict[str, Any] = {}
        for scale in SCALES if "upstream" in self.backward.takes else (1.0,):
            run = self.run(*values, scale)
            for name, after in self.weights.get(run.theirs).items():
                difference = run.before[name] - after
                gradient, clear = difference / RATE / scale, np.abs(difference) > CLEAR * np.abs(run.before[name])
                found[name] = np.where(clear, gradient, found.get(name, gradient))
        return {name: gradient.astype(dtype_of(params)) for name, gradient in found.items()}

    def run(self, params: Values, data: Values, upstream: Any, scale: float = 1.0) -> Run:
        theirs, given, returned = self.forwarded(params, data)
        values = {**given, **self.seen(returned), "rate": RATE if self.in_place else 1.0}
        if "upstream" in self.backward.takes:
            values["upstream"] = self.arriving(values, data, upstream, scale)
        for attribute in rate_names(theirs):
            setattr(theirs, attribute, values["rate"])
        before = self.weights.get(theirs)
        return Run(theirs, to_array(self.backward.of_instance(theirs)(values)), before)

    def forwarded(self, params: Values, data: Values) -> tuple[Any, dict[str, Any], Any]:
        """An instance with these parameters after its forward pass, what it was given, and what it returned."""
        theirs = self.make(params, data)
        self.weights.put(theirs, params)
        given = {name: self.handed(value) for name, value in {**data, **params}.items()}
        return theirs, given, None if self.forward is None else self.forward.of_instance(theirs)(given)

    def seen(self, returned: Any) -> dict[str, Any]:
        """The output and the hidden states in what forward returns."""
        several = isinstance(returned, tuple) and len(returned) > 1
        output, hidden = (returned[place] for place in self.places) if several else (returned, None)
        return {"output": output, "hidden": hidden}

    def handed(self, value: Any) -> Any:
        """A value of ours as the argument of a method of theirs."""
        if self.columns and isinstance(value, np.ndarray) and value.ndim:
            value = value.reshape(-1, 1) if value.ndim == 1 else [self.handed(row) for row in value]
        return self.tensor(value) if self.tensors else value

    def tensor(self, value: Any) -> Any:
        return [self.tensor(part) for part in value] if isinstance(value, list) else to_tensor(value)

    # Into the backward pass ------------------------------------------------------------------------------------------

    def arriving(self, values: Values, data: Values, upstream: Any, scale: float) -> Any:
        """The derivative of the loss by the output, in the output's form, times ``scale``."""
        output = values["output"]
        if self.contract.is_layer:
            return in_form(output, np.asarray(upstream), scale)
        if self.slope is not None:
            return self.slope(values) * scale
        return in_form(output, softmax_minus_one_hot(to_array(output), data["label"]), scale)

    # Out of the backward pass ----------------------------------------------------------------------------------------

    def found(self, run: Run) -> tuple[str, Any]:
        """How the gradients are given, and these as theirs, or what was returned in their place."""
        _, named = self.read(run.returned)
        if isinstance(named, Mapping) and set(named) & set(self.contract.params):
            return "returned", named
        kept = self.kept(run.theirs)
        if kept:
            return "kept", kept
        changed = {name: run.before[name] != after for name, after in self.weights.get(run.theirs).items()}
        return (IN_PLACE if any(map(np.any, changed.values())) else "not at all"), run.returned

    def kept(self, theirs: Any) -> dict[str, Any]:
        """Gradients among the attributes, in a dict there, or in the ``grad`` of a Module's parameters."""
        if is_module(theirs):
            parameters = {name: inner(theirs, path) for name, path in self.weights.paths.items()}
            grads = {name: p.grad for name, p in parameters.items() if getattr(p, "grad", None) is not None}
            if grads:
                return {name: to_array(g) for name, g in grads.items()}
        spellings = self.contract.spellings(*self.contract.params)
        own = {**candidates(theirs, ("grads", "gradients", "grad")), **candidates(theirs, ())}
        others = {text: path for text, path in own.items() if path not in self.weights.paths.values()}
        chosen = matched(spellings, others, gradients=True)
        arrays = {name: to_array(inner(theirs, others[text])) for name, text in chosen.items()}
        return {name: value for name, value in arrays.items() if value is not None}


class Layer:
    """The same as an object with forward and backward; the backward pass runs on an instance of its own."""

    def __init__(self, code: Instances) -> None:
        self.code = code

    def forward(self, params: Values, data: Values) -> tuple[Any, tuple[Values, Values]]:
        return flat(self.code.output(params, data), self.code.columns), (params, data)

    def backward(self, upstream: Any, cache: tuple[Values, Values]) -> Any:
        return self.code.gradients(*cache, upstream)


def has_rate(theirs: Any, backward: Call) -> bool:
    """Whether the learning rate of its backward pass can be set."""
    return "rate" in backward.takes or bool(rate_names(theirs))


def rate_names(theirs: Any) -> list[str]:
    names = matched({"rate": ROLES["rate"]}, getattr(theirs, "__dict__", {}))
    return list(names.values())


def flat(output: Any, columns: bool) -> Any:
    """The output as an array as ours: a list of columns as rows, a column as a vector."""
    output = to_array(list(output.values()) if isinstance(output, Mapping) else output)
    if isinstance(output, list | tuple):
        return np.stack([flat(part, columns) for part in output])
    return output.reshape(-1) if columns and np.ndim(output) == 2 and np.shape(output)[1] == 1 else output


def in_form(output: Any, value: Any, scale: float) -> Any:
    """A gradient by the output, times ``scale``, in the form of the output, where it has as many entries."""
    if isinstance(output, Mapping):
        return {step: in_form(part, row, scale) for (step, part), row in zip(output.items(), value, strict=True)}
    if isinstance(output, list | tuple):
        return [in_form(part, row, scale) for part, row in zip(output, value, strict=True)]
    if scale != 1.0:  # else the caller's own array, so that a change to it is seen
        value = value * value.dtype.type(scale)
    if np.size(value) == np.size(to_array(output)):
        value = value.reshape(np.shape(to_array(output)))
    return to_tensor(np.asarray(value)) if is_tensor(output) else value


def softmax_minus_one_hot(logits: Any, label: Any) -> Any:
    """The derivative of -log softmax(logits)[label] by the logits, in their dtype."""
    shifted = np.exp(logits - np.max(logits))
    gradient = shifted / np.sum(shifted)
    gradient.reshape(-1)[label] -= 1
    return gradient


def in_double(value: Any) -> Any:
    """Floats as float64, in a dict too."""
    if isinstance(value, Mapping):
        return {name: in_double(part) for name, part in value.items()}
    return value.astype(np.float64, copy=False) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value
