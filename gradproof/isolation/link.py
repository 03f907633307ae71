"""The connection to one file's process: what it is asked, and what becomes of it when the process dies."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy import ndarray

from gradproof.candidate import Crashed
from gradproof.isolation.handles import Handles
from gradproof.isolation.limits import Limits
from gradproof.isolation.process import Ended, Process
from gradproof.isolation.wire import CannotTravel, Garbled, Packing, Spec, Unpacking, of_type, printable
from gradproof.loading import CannotLoad
from gradproof.styles.contract import Contract

DEATHS = 2
"""Deaths after which a process is not started again. To be slow is enough once: each time would cost as long."""

FORMS: dict[str, dict[str, type]] = {
    "load": {"name": str},
    "adapt": {"has_forward": bool, "style": str, "sizes": dict, "notes": list},
    "forward": {"cache": int},
    "backward": {},
    "gradients": {},
}
"""What can be asked, and what is in the answer beside what was returned."""


class Refused(Exception):
    """The file is not what it must be; what the other process says of it."""


class Link:
    """A file in a process of its own, which is started again after its first death.

    name: of the code under test in the file. text: of the file, as it was first. has_forward, style, sizes, notes: what
    the process says of the code (see ``gradproof.styles.adapt``). dead: how it ended for good, or "".
    """

    def __init__(self, path: Path, name: str | None, limits: Limits) -> None:
        self.path, self.name, self.limits = path, name, limits
        self.text = ""
        self.contract: Contract | None = None
        self.has_forward = False
        self.style = ""
        self.sizes: dict[str, int] = {}
        self.notes: tuple[str, ...] = ()
        self.process: Process | None = None
        self.handles = Handles()
        self.deaths = 0
        self.dead = ""

    # Start and end ----------------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Start a process and import the file in it. Raises CannotLoad, with the process ended."""
        if not self.path.is_file():
            raise CannotLoad(f"there is no file {self.path}")
        try:
            self.text = self.text or self.path.read_text("utf-8", "replace")
        except OSError as error:
            raise CannotLoad(f"{self.path} cannot be read: {error.strerror}") from error
        self.process, self.handles = Process(self.limits), Handles()
        try:
            says = self.ask("load", str(self.path.resolve()), self.name, seconds=self.limits.import_seconds)
        except Refused as reason:
            raise self.unusable(str(reason)) from reason
        except (Crashed, Ended) as error:
            raise self.unusable(f"cannot be imported: {error}") from error
        self.name = printable(says["name"])

    def adapt(self, contract: Contract) -> None:
        """Have the code put into the form in which it is checked. Raises CannotLoad, with the process ended.

        It may be run on the contract's example, to see what it returns. If it does not survive that, it is adapted
        without an example where that will do, and what is wrong shows when it is checked.
        """
        try:
            self.take(contract)
        except Refused as reason:
            raise self.unusable(str(reason)) from reason
        except (Crashed, Ended) as error:
            self.close()
            self.load()
            try:
                self.take(replace(contract, example={}))
            except (Crashed, Ended, Refused):
                raise self.unusable(f"cannot be used: {error}") from error

    def take(self, contract: Contract) -> None:
        named = {field.name: getattr(contract, field.name) for field in fields(contract)}
        says = self.ask("adapt", named, seconds=self.limits.seconds)
        self.has_forward, self.style = says["has_forward"], printable(says["style"])
        self.notes = tuple(printable(str(note)) for note in says["notes"])
        self.sizes = {name: size for name, size in says["sizes"].items() if type(size) is int}
        self.contract = contract

    def unusable(self, reason: str) -> CannotLoad:
        self.close()
        return CannotLoad(f"{self.path} {reason}")

    def close(self) -> None:
        if self.process is not None:
            self.process.end()
        self.process = None

    # Requests ---------------------------------------------------------------------------------------------------------

    def call(self, what: str, *values: Any) -> dict[str, Any]:
        """Run their code; the answer has "result". Arrays that the call changed are changed here. Raises Crashed."""
        if self.dead:
            raise Crashed(self.dead)
        try:
            if self.process is None:
                assert self.contract is not None
                self.load()
                self.adapt(self.contract)
            return self.ask(what, *values, seconds=self.limits.seconds)
        except CannotLoad as error:  # the first time it could be imported
            self.dead = str(error)
            raise Crashed(self.dead) from error
        except Refused as reason:  # their code may raise anything, also what only an import should
            raise Crashed(str(reason)) from reason
        except Ended as end:
            self.process = None
            self.deaths += 1
            self.dead = str(end) if end.slow or self.deaths == DEATHS else ""
            raise Crashed(str(end)) from end

    def ask(self, what: str, *values: Any, seconds: float) -> dict[str, Any]:
        """One request. Raises Ended, Crashed for what their code raised, Refused."""
        assert self.process is not None
        sent: dict[str, ndarray] = {}
        packing = Packing(partial(self.described, sent))
        request = {"ask": what, "values": [packing.pack(value) for value in values], "arrays": packing.specs}
        answer, body = self.process.ask({**request, "forget": self.handles.forgotten()}, packing.buffers, seconds)
        try:
            incoming = Unpacking(answer.get("arrays"), body, self.returned)
            says = of_type(dict, incoming.unpack(answer.get("says")))
            for number, values_now in of_type(dict, says.get("changed")).items():
                write(sent.get(number), values_now)
            trouble = {kind: printable(of_type(str, says[kind])) for kind in ("refused", "raised") if kind in says}
            for name, form in {} if trouble else FORMS[what].items():
                of_type(form, says.get(name))
        except Garbled as error:
            raise self.process.ended(f"the process broke the protocol: {error}") from error
        if "refused" in trouble:
            raise Refused(trouble["refused"])
        if "raised" in trouble:
            raise Crashed(trouble["raised"])
        return says

    def described(self, sent: dict[str, ndarray], array: ndarray) -> Spec:
        """An array that is sent: its number, and how it lies in memory."""
        if array.dtype.hasobject:
            raise CannotTravel(f"an array of {array.dtype}")
        number = self.handles.number(array)
        sent[str(number)] = array
        return {"number": number, "strides": array.strides}

    def returned(self, spec: Spec, values: ndarray) -> ndarray:
        """An array of the answer; it has a number unless it is an input that was changed."""
        array = values.copy()
        if "number" in spec:
            shares = [of_type(int, number) for number in of_type(list, spec.get("shares"))]
            self.handles.adopt(array, of_type(int, spec["number"]), shares)
        return array


def write(array: ndarray | None, values: Any) -> None:
    """Put the values that an input has after the call where it came from."""
    if array is None or not isinstance(values, ndarray) or (values.shape, values.dtype) != (array.shape, array.dtype):
        raise Garbled("an array was changed that was not sent")
    array[...] = values
