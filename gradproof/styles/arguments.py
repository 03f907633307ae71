"""How a function of theirs is called: what each of its arguments is, told by its name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gradproof.styles.names import matched

ROLES: dict[str, tuple[str, ...]] = {
    "params": ("params", "parameters", "theta", "weights", "param_dict"),
    "data": ("data", "batch", "sample"),
    "upstream": (
        *("upstream", "dout", "d_out", "grad_output", "grad_out", "dy", "d_y", "dL_dy", "d_L_d_y", "dyhat", "dL_do"),
        *("do", "d_o", "dz", "dlogits", "delta", "grad", "upstream_grad", "upstream_gradient", "nabla_y", "error"),
    ),
    "cache": ("cache", "ctx", "saved", "memory", "tape", "context", "caches", "saved_tensors"),
    "rate": ("learn_rate", "learning_rate", "lr", "eta", "alpha", "step_size", "rate"),
    "output": (
        *("y_pred", "yhat", "y_hat", "pred", "preds", "prediction", "predictions", "output", "outputs", "out"),
        *("logits", "o", "probs"),
    ),
    "hidden": ("hidden", "h", "hs", "hidden_states", "hidden_state", "states"),
}
"""What an argument can be beside a parameter, a piece of data or a size, and how it is then called."""


@dataclass(frozen=True)
class Call:
    """A function and what its arguments are.

    given: argument -> a name that a value can be found under, for each that is known. unknown: required arguments of
    unknown meaning. function: None where only the arguments matter.
    """

    function: Callable[..., Any]
    arguments: tuple[inspect.Parameter, ...]
    given: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(argument.name for argument in self.arguments)

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(a.name for a in self.arguments if a.default is a.empty and a.name not in self.given)

    @property
    def required(self) -> int:
        return sum(a.default is a.empty for a in self.arguments)

    @property
    def takes(self) -> tuple[str, ...]:
        """What is passed, in the order of the arguments."""
        return tuple(self.given[a.name] for a in self.arguments if a.name in self.given)

    def of_instance(self, theirs: Any) -> Call:
        """The same method of another instance."""
        function = getattr(self.function, "__func__", None)
        return self if function is None else Call(function.__get__(theirs), self.arguments, self.given)

    def knowing(self, argument: str, meaning: str) -> Call:
        return Call(self.function, self.arguments, {**self.given, argument: meaning})

    def __call__(self, values: Mapping[str, Any]) -> Any:
        positional, named = [], {}
        for argument in self.arguments:
            if argument.name not in self.given:
                continue
            value = values[self.given[argument.name]]
            if argument.kind is argument.POSITIONAL_ONLY:
                positional.append(value)
            else:
                named[argument.name] = value
        return self.function(*positional, **named)


def read_call(function: Callable[..., Any], *meanings: Mapping[str, tuple[str, ...]], skip: int = 0) -> Call | None:
    """What the arguments of a function are, by their names; the earlier of ``meanings`` goes first.

    meanings: name of a value -> its spellings. skip: leading arguments that somebody else passes. None where the
    function does not say what arguments it takes.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    arguments = tuple(one_by_one(signature))[skip:]
    given: dict[str, str] = {}
    for wanted in meanings:
        names = [a.name for a in arguments if a.name not in given]
        given |= {argument: name for name, argument in matched(wanted, names).items() if name not in given.values()}
    return Call(function, arguments, given)


def one_by_one(signature: inspect.Signature) -> Iterator[inspect.Parameter]:
    """The arguments that are not *args or **kwargs."""
    return (a for a in signature.parameters.values() if a.kind not in (a.VAR_POSITIONAL, a.VAR_KEYWORD))


def roles(*names: str) -> dict[str, tuple[str, ...]]:
    return {name: ROLES[name] for name in names}
