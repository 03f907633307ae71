"""The messages between the two processes: what is sent arrives, and what is no message is never taken for one."""

import json
import socket
import time

import numpy as np
import pytest

from gradproof.isolation.wire import HEAD, MAGIC, Closed, Garbled, Packing, TooLarge, Unpacking, receive


def through(value):
    """A value as it comes out at the other end."""
    packing = Packing(lambda array: {})
    tree = json.loads(json.dumps({"tree": packing.pack(value), "specs": packing.specs}))
    return Unpacking(tree["specs"], bytearray(b"".join(packing.buffers)), lambda spec, values: values).unpack(
        tree["tree"]
    )


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 7, -1.5, float("inf"), "", "word", [], (), {}, {"a": [1, (2.0, None)], "": {"b": "c"}}),
        *(np.float32(0.1), np.int64(-3), np.bool_(True), np.str_("word"), np.longdouble(1) / 3),
        *(np.zeros((0, 3)), np.array(2.5), np.arange(6).reshape(2, 3).T, np.array(["a", "bcd"]), np.array([True])),
        *(np.array([1 + 2j]), np.arange(3, dtype=">f8"), np.array([np.nan, -0.0]), np.ones((2, 2), np.float16)),
    ],
    ids=repr,
)
def test_a_value_arrives_as_it_was_sent(value):
    arrived = through(value)
    assert type(arrived) is type(value)
    assert repr(arrived) == repr(value)
    if isinstance(value, np.ndarray | np.generic):
        assert (arrived.dtype, arrived.shape, arrived.tobytes()) == (value.dtype, value.shape, value.tobytes())


@pytest.mark.parametrize(
    ("tree", "specs", "body"),
    [
        *(({"array": k}, [], b"") for k in (0, -1, None, "0", True, [0])),
        *(
            (tree, [], b"")
            for tree in ({}, [1], {"a": 1}, {"list": 3}, {"dict": [[1, 2]]}, {"dict": [["a"]]}, {"object": 1})
        ),
        *(
            (None, [{"dtype": dtype, "shape": [1]}], b"")
            for dtype in ("<f8", "O", "|O8", "f8,f8", "<f0", "<M9", 8, None)
        ),
        *((None, [{"dtype": "<f8", "shape": s}], b"12345678") for s in (None, 1, [-1], [2], ["1"], [2**60], [1] * 99)),
        *((None, specs, b"") for specs in (None, 3, [3], [None], [{}])),
        (None, [{"dtype": "<f8", "shape": [0, 2**47, 2**47]}], b""),
        (None, [{"dtype": "|O", "shape": [2**40]}], b""),
        (None, [], b"more"),
    ],
)
def test_what_is_no_value_is_garbled(tree, specs, body):
    with pytest.raises(Garbled):
        Unpacking(specs, bytearray(body), lambda spec, values: values).unpack(tree)


def test_a_value_that_holds_too_much_or_too_deep_is_garbled_or_too_large():
    deep = None
    for _ in range(1000):
        deep = {"list": [deep]}
    with pytest.raises(Garbled):
        Unpacking([], bytearray(), lambda spec, values: values).unpack(deep)
    with pytest.raises(TooLarge):
        Packing(lambda array: {}, most=79).pack([np.zeros(5), np.zeros(5)])


@pytest.mark.parametrize(
    "message",
    [
        b"nonsense" * 9,
        HEAD.pack(MAGIC, 2**31, 0) + b"{}",
        HEAD.pack(MAGIC, 2, 2**40) + b"{}",
        HEAD.pack(MAGIC, 2, 0) + b"[]",
        HEAD.pack(MAGIC, 2, 0) + b"\xff{",
        HEAD.pack(MAGIC, 10**5, 0) + b"[" * 10**5,
    ],
    ids=range(6),
)
def test_what_is_no_message_is_garbled(message):
    here, there = socket.socketpair()
    with here, there:
        there.sendall(message)
        with pytest.raises(Garbled):
            receive(here, most=100, deadline=time.monotonic() + 5)


def test_half_a_message_is_waited_for_until_the_deadline_or_the_end():
    here, there = socket.socketpair()
    with here:
        with there:
            there.sendall(HEAD.pack(MAGIC, 100, 0) + b"{")
            with pytest.raises(TimeoutError):
                receive(here, deadline=time.monotonic() + 0.05)
            there.sendall(HEAD.pack(MAGIC, 100, 0))
        with pytest.raises(Closed):
            receive(here)
