"""The process that imports somebody's file and runs it on request; nothing is judged here."""

from __future__ import annotations

import base64
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from os import _exit, chdir, getpid
from pathlib import Path
from typing import Any

from numpy import errstate

from gradproof.convention import is_two_passes, value_and_cache
from gradproof.isolation.limits import Limits
from gradproof.isolation.memory import Memory
from gradproof.isolation.plain import described, numbers, plain
from gradproof.isolation.wire import Closed, Packing, TooLarge, Unpacking, receive, send
from gradproof.loading import CannotLoad, subject
from gradproof.styles import Unrecognised, adapt
from gradproof.styles.contract import Contract

PR_SET_PDEATHSIG = 1

Says = dict[str, Any]
"""What is answered, in plain data."""


def main(channel: str, limits: Mapping[str, Any]) -> None:
    """Answer requests until there are no more. channel: a file descriptor; on Windows the socket comes by stdin."""
    die_with_the_other()
    kept = Limits(**limits)
    kept.apply()
    Server(opened(channel), kept).serve()


def die_with_the_other() -> None:
    """Ask Linux to kill this process when the one that started it dies: it would not be asked any more."""
    if sys.platform == "linux":
        import ctypes  # here, since some Pythons are built without it

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def opened(channel: str) -> socket.socket:
    if sys.platform == "win32":
        return socket.fromshare(base64.b64decode(sys.stdin.buffer.readline()))
    return socket.socket(fileno=int(channel))


class Server:
    """Somebody's code, and what it must find again at the next request."""

    def __init__(self, channel: socket.socket, limits: Limits) -> None:
        self.channel, self.limits, self.pid = channel, limits, getpid()
        self.memory = Memory()
        self.file = ""
        self.subject: Any = None
        self.code: Any = None

    def serve(self) -> None:
        while True:
            try:
                request, body = receive(self.channel)
            except Closed:
                return
            header, buffers = self.answer(request, body)
            if getpid() != self.pid:  # their code forked: the copy is not who was asked
                _exit(0)
            send(self.channel, {**header, "number": request["number"]}, buffers)

    def answer(self, request: Mapping[str, Any], body: bytearray) -> tuple[dict[str, Any], list[bytes]]:
        """(header, bytes of the arrays) of the answer."""
        self.memory.forget(request["forget"])
        incoming = Unpacking(request["arrays"], body, self.memory.received)
        values = [incoming.unpack(value) for value in request["values"]]
        try:
            return self.packed(REQUESTS[request["ask"]](self, *values))
        except CannotLoad as reason:
            return self.packed({"refused": str(reason)})
        except Unrecognised as reason:
            return self.packed({"refused": f"cannot be used: {reason}"})
        except TooLarge as reason:
            return self.packed({"raised": f"what was returned is too large to be handed over: {reason}"})
        except MemoryError as error:
            return self.packed({"raised": f"{described(error, self.file)}; {self.limits.memory >> 20} MiB are allowed"})
        except BaseException as error:  # SystemExit, KeyboardInterrupt and classes of their own as well
            return self.packed({"raised": described(error, self.file)})

    def packed(self, says: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """An answer, with the arrays of the request that the call has changed."""
        packing = Packing(self.memory.described, self.limits.answer)
        changed = {str(number): array for number, array in self.memory.changed()}
        return {"says": packing.pack({**says, "changed": changed}), "arrays": packing.specs}, packing.buffers

    # What may be asked ------------------------------------------------------------------------------------------------

    def load(self, file: str, name: str | None) -> Says:
        """Import the file, as if it were run in its folder."""
        self.file = file
        folder = str(Path(file).parent)
        chdir(folder)
        sys.path.insert(0, folder)
        sys.argv[:] = [file]
        self.subject, found = subject(Path(file), name)
        return {"name": found}

    def adapt(self, contract: Mapping[str, Any]) -> Says:
        adapted = adapt(self.subject, Contract(**contract))
        self.code = adapted.code
        says = {"style": adapted.style, "sizes": dict(adapted.sizes), "notes": list(adapted.notes)}
        return {"has_forward": is_two_passes(self.code), **says}

    def forward(self, *args: Any) -> Says:
        value, cache = value_and_cache(called(self.code.forward, *args))
        return {"result": numbers(value), "cache": self.memory.keep(cache)}

    def backward(self, cache: int, *args: Any) -> Says:
        return {"result": plain(called(self.code.backward, *args, self.memory.kept[cache]))}

    def gradients(self, *args: Any) -> Says:
        return {"result": plain(called(self.code, *args))}


REQUESTS: dict[str, Callable[..., Says]] = {
    "load": Server.load,
    "adapt": Server.adapt,
    "forward": Server.forward,
    "backward": Server.backward,
    "gradients": Server.gradients,
}


def called(function: Any, *args: Any) -> Any:
    with errstate(all="ignore"):
        return function(*args)
