"""What code returns that nobody expected: by name, each made afresh from an array that would have been right."""

from __future__ import annotations

import decimal
import fractions
from collections import UserDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np


class Unreadable:
    """Refuses whatever is asked of it."""

    def refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("made up")

    __array__ = __len__ = __iter__ = __getitem__ = __eq__ = __bool__ = __float__ = __repr__ = __str__ = refuse
    __hash__ = object.__hash__


class Pretender:
    """Has the shape and dtype of an array, and no values."""

    def __init__(self, array: Any) -> None:
        self.shape, self.dtype, self.ndim, self.size = array.shape, array.dtype, array.ndim, array.size


class Plain(np.ndarray):
    """A subclass of arrays that does nothing of its own."""


class Silent(np.ndarray):
    """A subclass of arrays that every comparison and reduction leaves without an answer."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return NotImplemented

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return NotImplemented


class Raising(Mapping[str, Any]):
    """A mapping that lists names and then has no values for them."""

    def __getitem__(self, name: str) -> NoReturn:
        raise RuntimeError("made up")

    def __iter__(self) -> Iterator[str]:
        return iter(("w", "b"))

    def __len__(self) -> int:
        return 2


def masked(array: Any) -> Any:
    return np.ma.masked_array(array, mask=np.ones(array.shape, bool))


def objects(array: Any) -> Any:
    result = np.empty(array.shape, object)
    result[...] = None
    return result


JUNK: dict[str, Callable[[Any], Any]] = {
    "None": lambda g: None,
    "True": lambda g: True,
    "text": lambda g: "0.5",
    "bytes": lambda g: b"0.5",
    "an integer": lambda g: 3,
    "a huge integer": lambda g: 10**400,
    "a wrong float": lambda g: 1e300,
    "NaN": lambda g: float("nan"),
    "infinity": lambda g: float("inf"),
    "a complex number": lambda g: 1j,
    "a decimal": lambda g: decimal.Decimal("0.5"),
    "a fraction": lambda g: fractions.Fraction(1, 3),
    "an object": lambda g: object(),
    "a class": lambda g: dict,
    "a function": lambda g: lambda: g,
    "a generator": lambda g: (x for x in np.ravel(g)),
    "an iterator": lambda g: iter([g]),
    "a list": lambda g: g.tolist(),
    "a nested list": lambda g: [[[g], []], g],
    "a tuple": lambda g: (g, g),
    "a set": lambda g: {1, 2},
    "a range": lambda g: range(3),
    "a dict": lambda g: {"w": g},
    "an unreadable object": lambda g: Unreadable(),
    "a pretended array": Pretender,
    "a memoryview": lambda g: memoryview(np.ascontiguousarray(np.atleast_1d(g))),
    "NaNs": lambda g: np.full_like(g, np.nan),
    "infinities": lambda g: np.full_like(g, -np.inf),
    "zeros": lambda g: np.zeros_like(g),
    "one off by its last digits": lambda g: g * g.dtype.type(1 + 1e-4),
    "no entries": lambda g: np.zeros(0, g.dtype),
    "one axis more": lambda g: g[None],
    "eleven axes": lambda g: g[(None,) * 11],
    "integers": lambda g: g.astype(np.int8),
    "unsigned integers": lambda g: g.astype(np.int64).astype(np.uint64),
    "booleans": lambda g: g > 0,
    "float16": lambda g: g.astype(np.float16),
    "long double": lambda g: g.astype(np.longdouble),
    "complex numbers": lambda g: g + 0j,
    "objects": objects,
    "objects that are floats": lambda g: g.astype(object),
    "texts": lambda g: g.astype(str),
    "times": lambda g: g.astype(np.int64).astype("datetime64[s]"),
    "records": lambda g: np.zeros(g.shape, [("x", g.dtype)]),
    "the other byte order": lambda g: g.astype(g.dtype.newbyteorder()),
    "all masked": masked,
    "a silent array, wrong": lambda g: (g + 1).view(Silent),
    "a matrix": lambda g: np.asmatrix(g),
}
"""Gradients that are not right, of any parameter with 0 or 1 axes."""

RIGHT: dict[str, Callable[[Any], Any]] = {
    "right": lambda g: g,
    "right, read-only": lambda g: np.frombuffer(g.tobytes(), g.dtype).reshape(g.shape),
    "right, strided": lambda g: np.repeat(g, 2)[::2].reshape(g.shape),
    "right, a subclass": lambda g: g.view(Plain),
}

CONTAINERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a dict": lambda gradients: gradients,
    "a read-only mapping": MappingProxyType,
    "a user's dict": UserDict,
    "a defaultdict": lambda gradients: defaultdict(lambda: None, gradients),
}
"""Mappings that a gradient may come in."""

NO_CONTAINERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "pairs": lambda gradients: list(gradients.items()),
    "values": lambda gradients: tuple(gradients.values()),
    "names": lambda gradients: "".join(gradients),
    "a mapping that raises": lambda gradients: Raising(),
    "an unreadable object": lambda gradients: Unreadable(),
    "a generator": lambda gradients: (item for item in gradients.items()),
    "other names": lambda gradients: {name.upper(): value for name, value in gradients.items()},
    "names that are no text": lambda gradients: {(name, 1): value for name, value in gradients.items()},
    "one name more": lambda gradients: {**gradients, None: 1.0},
    "None": lambda gradients: None,
    "a number": lambda gradients: 0.5,
}
"""What is no mapping of the parameters' names to arrays."""

EXCEPTIONS: dict[str, Callable[[], BaseException]] = {
    "ValueError": lambda: ValueError("made up"),
    "an exception without words": ZeroDivisionError,
    "StopIteration": StopIteration,
    "RecursionError": RecursionError,
    "MemoryError": MemoryError,
    "SystemExit": lambda: SystemExit(3),
    "AssertionError": lambda: AssertionError({"not": "a text"}),
    "an exception that cannot be printed": lambda: ValueError(Unreadable()),
    "a warning": lambda: UserWarning("made up"),
}
