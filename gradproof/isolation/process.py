"""One process for somebody's code: started, asked with a deadline, and ended with all that it started in turn."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Thread
from typing import IO, Any

from gradproof.isolation.limits import Limits
from gradproof.isolation.wire import Closed, Garbled, printable, receive, send

START = Path(__file__).with_name("start.py")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""One thread each: at the sizes of a check more of them only cost time and memory."""

TAIL = 4096
"""Bytes of output that are kept."""

LINE = 200
"""Characters of a line of output that are shown."""

GRACE = 1.0
"""Seconds that a process has to be gone once it has closed its end."""


class Ended(Exception):
    """The process is gone, or was ended here; how is the message. slow: it took longer than it may."""

    def __init__(self, how: str, slow: bool) -> None:
        super().__init__(how)
        self.slow = slow


class Process:
    """A process that waits for requests, in a session of its own, without standard input."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.asked = 0
        self.over = False
        self.channel, theirs = socket.socketpair()
        with theirs:
            self.popen = subprocess.Popen(
                [sys.executable, "-P", "-B", str(START), *self.arguments(theirs)],
                stdin=subprocess.PIPE if sys.platform == "win32" else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONIOENCODING": "utf-8:backslashreplace"},
                pass_fds=() if sys.platform == "win32" else (theirs.fileno(),),
                start_new_session=True,
            )
            if sys.platform == "win32":  # a socket is handed to a process that is known by then
                self.popen.stdin.write(base64.b64encode(theirs.share(self.popen.pid)) + b"\n")
                self.popen.stdin.close()
        assert self.popen.stdout is not None
        self.output = Output(self.popen.stdout)

    def arguments(self, theirs: socket.socket) -> list[str]:
        """What start.py is told: the channel; where this process finds its modules; the limits."""
        path = [str(Path(entry or ".").absolute()) for entry in sys.path]
        channel = "-" if sys.platform == "win32" else str(theirs.fileno())
        return [channel, json.dumps(path), json.dumps(asdict(self.limits))]

    def ask(self, request: Mapping[str, Any], buffers: Sequence[bytes], seconds: float) -> tuple[Any, bytearray]:
        """(header of the answer, bytes of its arrays). Raises Ended; the process is then no more."""
        self.asked += 1
        deadline = time.monotonic() + seconds
        try:
            send(self.channel, {**request, "number": self.asked}, buffers, deadline)
            header, body = receive(self.channel, self.limits.answer, deadline)
            if header.get("number") != self.asked:
                raise Garbled("the answer is to another request")
            return header, body
        except TimeoutError:
            raise self.ended(f"no answer within {seconds:g} s", slow=True) from None
        except Garbled as error:
            raise self.ended(f"the process broke the protocol: {error}") from None
        except Closed:
            doing = "the import" if request["ask"] == "load" else "a call"
            raise self.ended(f"{self.farewell()} in the middle of {doing}") from None

    def farewell(self) -> str:
        """How a process ended that closed its end, as a clause."""
        try:
            status = self.popen.wait(GRACE)
        except subprocess.TimeoutExpired:
            return "the process closed its connection to gradproof"
        if status >= 0:
            return f"the process ended itself with status {status}"
        try:
            return f"the process was ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"the process was ended by signal {-status}"

    def ended(self, how: str, *, slow: bool = False) -> Ended:
        self.end()
        line = self.output.last_line()
        return Ended(f"{how}; it last printed {line!r}" if line else how, slow)

    def end(self) -> None:
        """Kill the process and those it started; at once, for it may have arranged to be slow in leaving."""
        if self.over:  # its number may be another process's by now
            return
        self.over = True
        with suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self.popen.kill()
            else:
                os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()
        self.channel.close()
        self.output.thread.join(GRACE)


class Output:
    """What a process prints: read as it comes, so that it need not wait, and only the end of it kept."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.tail = b""
        self.thread = Thread(target=self.drain, args=(stream,), daemon=True)  # a process that got away may hold it open
        self.thread.start()

    def drain(self, stream: IO[bytes]) -> None:
        with stream:
            while more := os.read(stream.fileno(), 2**16):
                self.tail = (self.tail + more)[-TAIL:]

    def last_line(self) -> str:
        lines = [line.strip() for line in self.tail.decode("utf-8", "replace").splitlines() if line.strip()]
        return printable(lines[-1][-LINE:]) if lines else ""
