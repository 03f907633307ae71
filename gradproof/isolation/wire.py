"""The messages between the two processes: a header in JSON, then the bytes of the arrays. Nothing in them is executed.

A receiver trusts nothing: what is not a message of this form is Garbled.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from socket import socket
from struct import Struct
from typing import Any

from numpy import asarray, dtype, empty, full, generic, ndarray

# NumPy's functions are bound here by name: what somebody's code puts into NumPy later is not what runs here.

HEAD = Struct("<4sIQ")
MAGIC = b"grad"
MOST_HEADER = 2**24
MOST_OBJECTS = 2**16
"""The largest array of objects that is handed over, as an array of None: to show its shape and dtype."""
DEPTH = 32
LONG = 1000
"""Characters of a text, or bits of an integer, that are handed over."""
KINDS = re.compile(r"[<>|]([biufcSUV]\d+|[mM]8(\[\w+\])?)")
"""Types of array entries that are handed over as bytes."""

Spec = Mapping[str, Any]
"""What the header says of an array: dtype and shape, and whatever the sender tells beside them."""


class Garbled(Exception):
    """What arrived is no message."""


class TooLarge(Exception):
    """A value is larger than a message may be."""


class CannotTravel(Exception):
    """A value of a class for which there is no form in a message."""


class Closed(Exception):
    """The other end is gone."""


class StandIn:
    """In the place of a value that cannot travel: an object whose class has the name of the value's class."""

    @staticmethod
    def of(name: str) -> StandIn:
        return type(name if name.isidentifier() else "object", (StandIn,), {})()

    def __repr__(self) -> str:
        return f"<an object of class {type(self).__name__}>"


# Values out -------------------------------------------------------------------------------------------------------


@dataclass
class Packing:
    """Values on their way out: ``pack`` gives the header's form of one and collects the arrays in it.

    describe: what the header says of an array beside its dtype and shape. most: bytes of all the arrays.
    """

    describe: Callable[[ndarray], Spec]
    most: float = math.inf
    specs: list[Spec] = field(default_factory=list)
    buffers: list[bytes] = field(default_factory=list)
    size: int = 0

    def pack(self, value: Any) -> Any:
        """The value in the header's form.

        Raises CannotTravel for what is not None, a number, text, an array, a stand-in, or a list, tuple or mapping of
        these; TooLarge for arrays of more bytes than may be sent.
        """
        if isinstance(value, ndarray):
            return {"array": self.append(value, self.describe(value))}
        if isinstance(value, generic):
            return {"scalar": self.append(asarray(value), {})}
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, StandIn):
            return {"object": type(value).__name__}
        if type(value) in (list, tuple):
            return {type(value).__name__: [self.pack(part) for part in value]}
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return {"dict": [[key, self.pack(part)] for key, part in value.items()]}
        raise CannotTravel(f"a {type(value).__name__}")

    def append(self, array: ndarray, described: Spec) -> int:
        """Put an array behind the header; returns its place there."""
        objects = array.dtype.kind == "O"
        if not objects and not KINDS.fullmatch(array.dtype.str):
            raise CannotTravel(f"an array of {array.dtype}")
        self.size += array.nbytes
        if self.size > self.most or (objects and array.size > MOST_OBJECTS):
            raise TooLarge(f"{self.size} bytes of arrays")
        self.buffers.append(b"" if objects else array.tobytes())
        self.specs.append({**described, "dtype": array.dtype.str, "shape": array.shape})
        return len(self.specs) - 1


# Values in --------------------------------------------------------------------------------------------------------


class Unpacking:
    """Values on their way in, from the header's form and the arrays that came with it.

    build: makes the array of its spec (with "dtype" as a dtype and "shape" as a tuple) and its bytes. Raises Garbled.
    """

    def __init__(self, specs: Any, body: bytearray, build: Callable[[Spec, ndarray], ndarray]) -> None:
        self.arrays: list[ndarray] = []
        start = 0
        for spec in of_type(list, specs):
            checked = {**of_type(dict, spec), **form(spec)}
            size = math.prod(checked["shape"]) * checked["dtype"].itemsize
            if checked["dtype"].kind == "O":
                values = full(checked["shape"], None, object)
            elif size > len(body) - start:
                raise Garbled("an array is longer than its message")
            else:
                values = ndarray(checked["shape"], checked["dtype"], body, start) if size else empty_of(checked)
                start += size
            self.arrays.append(build(checked, values))
        if start != len(body):
            raise Garbled("a message is longer than its arrays")

    def unpack(self, tree: Any, depth: int = 0) -> Any:
        if tree is None or isinstance(tree, bool | int | float | str):
            return tree
        if not isinstance(tree, dict) or len(tree) != 1 or depth > DEPTH:
            raise Garbled("a value has no known form")
        ((kind, inside),) = tree.items()
        if kind in ("array", "scalar"):
            if not 0 <= of_type(int, inside) < len(self.arrays):
                raise Garbled("a value names an array that is not there")
            return self.arrays[inside] if kind == "array" else self.arrays[inside][()]
        if kind == "object":
            return StandIn.of(of_type(str, inside))
        if kind in ("list", "tuple"):
            parts = [self.unpack(part, depth + 1) for part in of_type(list, inside)]
            return parts if kind == "list" else tuple(parts)
        if kind == "dict":
            pairs = [of_type(list, pair) for pair in of_type(list, inside)]
            if any(len(pair) != 2 for pair in pairs):
                raise Garbled("a value has no known form")
            return {of_type(str, key): self.unpack(part, depth + 1) for key, part in pairs}
        raise Garbled("a value has no known form")


def form(spec: Any) -> dict[str, Any]:
    """The dtype and the shape that a spec names."""
    named, shape = spec.get("dtype"), of_type(list, spec.get("shape"))
    if named != "|O" and not KINDS.fullmatch(of_type(str, named)):
        raise Garbled("an array has no known dtype")
    if len(shape) > DEPTH or any(type(n) is not int or not 0 <= n < 2**48 for n in shape):
        raise Garbled("an array has no possible shape")
    if named == "|O" and math.prod(shape) > MOST_OBJECTS:
        raise Garbled("an array of objects is too large")
    try:
        return {"dtype": dtype(named), "shape": tuple(shape)}
    except (TypeError, ValueError) as error:
        raise Garbled("an array has no known dtype") from error


def empty_of(spec: Spec) -> ndarray:
    try:
        return empty(spec["shape"], spec["dtype"])
    except ValueError as error:  # the other lengths are too large
        raise Garbled("an array has no possible shape") from error


def printable(text: str) -> str:
    """Text as it may stand in a report: not too long, and nothing in it moves a cursor."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:LONG])


def of_type(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise Garbled(f"a {kind.__name__} is missing")
    return value


# Messages ---------------------------------------------------------------------------------------------------------


def send(channel: socket, header: Mapping[str, Any], buffers: Sequence[bytes], deadline: float | None = None) -> None:
    """Raises TooLarge, TimeoutError at the deadline (of ``time.monotonic``), Closed."""
    text = json.dumps(header).encode("ascii")
    if len(text) > MOST_HEADER:
        raise TooLarge(f"{len(text)} bytes beside the arrays")
    until(channel, deadline)
    try:
        channel.sendall(b"".join([HEAD.pack(MAGIC, len(text), sum(map(len, buffers))), text, *buffers]))
    except TimeoutError:
        raise
    except OSError as error:
        raise Closed from error


def receive(channel: socket, most: float = math.inf, deadline: float | None = None) -> tuple[Any, bytearray]:
    """(header, bytes of its arrays, at most ``most``). Raises Garbled, TimeoutError at the deadline, Closed."""
    magic, of_text, of_arrays = HEAD.unpack(read(channel, HEAD.size, deadline))
    if magic != MAGIC or of_text > MOST_HEADER or of_arrays > most:
        raise Garbled("what arrived does not begin like a message")
    text = read(channel, of_text, deadline)
    try:
        header = of_type(dict, json.loads(text))
    except (ValueError, RecursionError) as error:
        raise Garbled("the header of a message is not JSON") from error
    return header, read(channel, of_arrays, deadline)


def read(channel: socket, size: int, deadline: float | None) -> bytearray:
    found, filled = bytearray(size), 0
    while filled < size:
        until(channel, deadline)
        try:
            more = channel.recv_into(memoryview(found)[filled:])
        except TimeoutError:
            raise
        except OSError as error:
            raise Closed from error
        if not more:
            raise Closed
        filled += more
    return found


def until(channel: socket, deadline: float | None) -> None:
    """Let the next operation take no longer than to the deadline."""
    if deadline is not None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        channel.settimeout(left)
