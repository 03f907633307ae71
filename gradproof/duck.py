"""Arrays that look like NumPy's to a loss function, so that one plain loss can be run by very different arithmetics.

A subclass says how a ufunc and a NumPy function act on it; methods, operators, indexing and clear refusals are here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from gradproof.errors import CannotTrace

COMPARISONS: set[np.ufunc] = {np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal}
COMPARISONS |= {np.isfinite, np.isnan, np.isinf}
"""Ufuncs whose result is a plain bool array: a loss may branch on them."""

CONSTANTS = {np.zeros_like, np.ones_like, np.full_like, np.empty_like, np.shape, np.ndim, np.size}
CONSTANTS |= {np.argmax, np.argmin, np.argsort, np.iscomplexobj, np.isrealobj, np.result_type}
"""Functions whose result a loss may use but that carry no derivative: shapes, positions, kinds of number."""


Method = Callable[[Any, Any], Any]


def operators(ufunc: np.ufunc) -> tuple[Method, Method]:
    """A binary operator and its reflection: what NumPy's dispatch comes to, without the microsecond that it takes."""

    def method(self: DuckArray, other: Any) -> Any:
        return self.apply_ufunc(ufunc, (self, other)) if isinstance(other, ORDINARY) else ufunc(self, other)

    def reflected(self: DuckArray, other: Any) -> Any:
        return self.apply_ufunc(ufunc, (other, self)) if isinstance(other, ORDINARY) else ufunc(other, self)

    return method, reflected


class DuckArray(NDArrayOperatorsMixin):
    """Base of the arrays an oracle hands to a loss. ``value`` is the plain array inside it."""

    __array_priority__ = 1000
    value: np.ndarray

    __add__, __radd__ = operators(np.add)
    __sub__, __rsub__ = operators(np.subtract)
    __mul__, __rmul__ = operators(np.multiply)
    __truediv__, __rtruediv__ = operators(np.divide)
    __matmul__, __rmatmul__ = operators(np.matmul)

    # What a subclass supplies -------------------------------------------------------------------------------------

    def apply_ufunc(self, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Any:
        raise NotImplementedError

    def apply_function(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError

    def index(self, key: Any) -> Any:
        raise NotImplementedError

    # NumPy's two protocols ----------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        targets = kwargs.pop("out", None)
        if targets is not None:
            return self._in_place(ufunc, method, inputs, targets)
        if method == "reduce" and ufunc in REDUCTIONS:
            return self.apply_function(REDUCTIONS[ufunc], inputs, {"axis": 0, **kwargs})
        if method != "__call__":
            refuse(f"np.{ufunc.__name__}.{method}", "write it with ordinary functions such as np.sum or np.stack")
        kwargs.pop("dtype", None)
        if kwargs:
            refuse(f"np.{ufunc.__name__}({', '.join(kwargs)}=)", "call it without that argument, np.where can select")
        if ufunc in COMPARISONS:
            return self.compare(ufunc, inputs)
        return self.apply_ufunc(ufunc, inputs)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if kwargs.pop("out", None) is not None:
            refuse(f"{spelled(function)}(out=)", "use the returned array instead")
        kwargs = {key: value for key, value in kwargs.items() if value is not np._NoValue}
        if function in CONSTANTS:
            return self.ask(function, args, kwargs)
        return self.apply_function(function, args, kwargs)

    def compare(self, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Any:
        return ufunc(*(plain(x) for x in inputs))

    def ask(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The plain answer of one of CONSTANTS."""
        return function(*(plain(a) for a in args), **{key: plain(value) for key, value in kwargs.items()})

    def _in_place(self, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], targets: tuple[Any, ...]) -> Any:
        """``x += y`` on a duck array gives x a new value; anything else that writes is refused."""
        (target,) = targets
        if method != "__call__" or not isinstance(target, DuckArray) or target is not inputs[0]:
            refuse(f"np.{ufunc.__name__}(out=) into a plain array", "build the array with np.stack or np.concatenate")
        result = self.apply_ufunc(ufunc, inputs)
        if result.shape != target.shape:
            raise ValueError(f"an in-place operation cannot change the shape {target.shape} to {result.shape}")
        target.assign(result)
        return target

    def detached(self) -> Any:
        """The same value as a constant."""
        return self

    def assign(self, other: Any) -> None:
        """Take over the value of another duck array of the same kind (for ``x += y``)."""
        raise NotImplementedError

    # What would lose the trace ------------------------------------------------------------------------------------

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        refuse(
            "turning a parameter-dependent value into a plain array (np.array, np.asarray, writing into an array)",
            "build arrays with np.stack or np.concatenate and keep the loss in NumPy functions",
        )

    def __float__(self) -> NoReturn:
        refuse(
            "float() of a parameter-dependent value", "return the NumPy value itself and use np functions, not math's"
        )

    __int__ = __complex__ = __float__

    def item(self, *_: Any) -> NoReturn:
        refuse("the array method .item()", "return the NumPy value itself and use np functions, not math's")

    def tolist(self) -> NoReturn:
        refuse("the array method .tolist()", "keep the loss in NumPy functions")

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        refuse("writing into an array, x[i] = ...", "build the array with np.stack, np.concatenate or np.where")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        refuse(f"the array attribute .{name}", f"use an np function, for example np.{name}")

    # An array's everyday face -------------------------------------------------------------------------------------

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: self.value.dtype)
    T = property(lambda self: np.transpose(self))
    real = property(lambda self: self)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of shape {self.shape}>"

    def __bool__(self) -> bool:
        return bool(self.compare(np.not_equal, (self, 0)))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d array")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        return self.index(key)

    def sum(self, axis: Any = None, keepdims: bool = False, **_: Any) -> Any:
        return np.sum(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False, **_: Any) -> Any:
        return np.mean(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.max(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.min(self, axis=axis, keepdims=keepdims)

    def var(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
        return np.var(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
        return np.std(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes: Any) -> Any:
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def dot(self, other: Any) -> Any:
        return np.dot(self, other)

    def ravel(self) -> Any:
        return np.ravel(self)

    flatten = ravel

    def squeeze(self, axis: Any = None) -> Any:
        return np.squeeze(self, axis=axis)

    def swapaxes(self, first: int, second: int) -> Any:
        return np.swapaxes(self, first, second)

    def clip(self, min: Any = None, max: Any = None) -> Any:
        return np.clip(self, min, max)

    def trace(self) -> Any:
        return np.trace(self)

    def argmax(self, axis: Any = None) -> Any:
        return np.argmax(self, axis=axis)

    def copy(self, *_: Any, **__: Any) -> Any:
        return self.index(...)

    def astype(self, *_: Any, **__: Any) -> Any:
        """A cast between float types is a copy: the arithmetic in use is the oracle's own."""
        return self.index(...)


ORDINARY = (DuckArray, np.ndarray, int, float)
"""Operands that have no say in what an operator does; any other may have: it is NumPy that asks it."""

REDUCTIONS = {np.add: np.sum, np.maximum: np.max, np.minimum: np.min}


def plain(x: Any) -> Any:
    """The plain array inside a duck array; anything else unchanged."""
    return x.value if isinstance(x, DuckArray) else x


def spelled(function: Any) -> str:
    """A NumPy function as a loss spells it: np.sum, np.linalg.inv."""
    return f"{function.__module__.replace('numpy', 'np', 1)}.{function.__name__}"


def check_arguments(function: Any, rule: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Refuse a call of ``function`` with an argument that ``rule``, which stands in for it, does not know."""
    try:
        signature(rule).bind(*args, **kwargs)
    except TypeError as reason:
        refuse(f"{spelled(function)} in this form ({reason})", "call it without that argument, or write it out")


@cache
def signature(rule: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(rule)


def refuse(operation: str, way_round: str) -> NoReturn:
    raise CannotTrace(f"{operation} cannot be traced: {way_round}")
