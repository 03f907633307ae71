"""Files that do what a submission must not: their text, and what is to be said of each. Data, no tests.

They are about the problem ``line`` of test_isolation: the loss sum((w x)^2), whose gradient is 2 w x^2.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent, indent

RIGHT = """
    import numpy as np

    def right(params, data):
        return {"w": 2 * params["w"] * data["x"] ** 2}
"""


@dataclass(frozen=True)
class File:
    """A file: its text; the kind and a part of the detail of what must be found, both regular expressions."""

    name: str
    text: str
    kind: str = ""
    detail: str = ""

    @property
    def endless(self) -> bool:
        return self.detail.startswith("no answer")

    def __repr__(self) -> str:
        return self.name


def calling(name: str, body: str, kind: str = "exception", detail: str = "") -> File:
    """A file whose gradients(params, data) has this body, and ``right`` at hand."""
    return File(name, dedent(RIGHT) + "\ndef gradients(params, data):\n" + indent(dedent(body), "    "), kind, detail)


def importing(name: str, body: str, detail: str) -> File:
    """A file that does this when it is imported, and is right beside that."""
    return File(name, dedent(RIGHT) + "\n" + dedent(body) + "\ngradients = right\n", "", detail)


IN_A_CALL = [
    calling("leaves", "import os; os._exit(0)", "exception", "ended itself with status 0 in the middle of a call"),
    calling("exits", "raise SystemExit(0)", "exception", r"SystemExit: 0 \(line 8\)"),
    calling("is interrupted", "raise KeyboardInterrupt", "exception", r"KeyboardInterrupt \(line 8\)"),
    calling("raises", "return np.ones(2) @ np.ones(3)", "exception", r"ValueError: matmul: .* \(line 8\)"),
    calling(
        "raises an exception that cannot be shown",
        """
        class Unspeakable(BaseException):
            def __str__(self):
                raise Unspeakable
        raise Unspeakable
        """,
        "exception",
        r"Unspeakable: \(its message cannot be shown\)",
    ),
    calling("never returns", "while True: pass", "exception", "no answer within 1 s"),
    calling(
        "never returns and does not want to end",
        """
        import signal
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        print("still here", flush=True)
        while True: pass
        """,
        "exception",
        "no answer within 1 s; it last printed 'still here'",
    ),
    calling("stops itself", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", "exception", "no answer within"),
    calling("crashes", "import ctypes; ctypes.string_at(0)", "exception", "ended by SIGSEGV in the middle of a call"),
    calling(
        "recurses until it crashes",
        """
        import sys
        sys.setrecursionlimit(10**9)
        deeper = lambda _: sorted([0], key=deeper)
        deeper(0)
        """,
        "exception",
        "ended by SIGSEGV|RecursionError",
    ),
    calling(
        "raises what only its import may raise",
        "from gradproof.loading import CannotLoad; raise CannotLoad('there is no file')",
        "exception",
        "there is no file",
    ),
    calling(
        "deletes itself",
        "import os; os.path.exists(__file__) and os.remove(__file__); return {'w': np.zeros_like(params['w'])}",
        "value",
    ),
    calling(
        "paints the terminal red",
        r"raise ValueError('\x1b[31m \ud800')",
        "exception",
        "ValueError: \N{REPLACEMENT CHARACTER}\\[31m \N{REPLACEMENT CHARACTER}",
    ),
    calling("recurses", "return gradients(params, data)", "exception", "RecursionError"),
    calling(
        "takes 10 GB",
        "return {'w': np.ones(10 * 2**27)}",
        "exception",
        "MemoryError: Unable to allocate .* 512 MiB are allowed",
    ),
    calling(
        "writes nonsense to every file",
        """
        import os
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b"nonsense" * 9)
            except OSError:
                pass
        return right(params, data)
        """,
        "exception",
        "the process broke the protocol",
    ),
    calling(
        "answers in our place, without an answer",
        """
        import json, os, struct
        text = json.dumps({"number": 10**6, "says": {"dict": []}, "arrays": []}).encode()
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, struct.pack("<4sIQ", b"grad", len(text), 0) + text)
            except OSError:
                pass
        return right(params, data)
        """,
        "exception",
        "the process broke the protocol: the answer is to another request",
    ),
    calling(
        "closes every file",
        "import os; os.closerange(0, 65536); return right(params, data)",
        "exception",
        r"the process (ended itself with status \d+|closed its connection to gradproof) in the middle of a call",
    ),
    calling(
        "turns its argument",
        "g = right(params, data); data['x'].shape = (-1, 1); return g",
        "nondeterministic|exception",
    ),
    calling(
        "returns a generator", "yield right(params, data)", "dtype", "the gradient of w is a generator, not an array"
    ),
    calling("returns nothing", "pass", "missing", "no gradient of w"),
    calling("returns its inputs", "return {'w': params['w']}", "aliases", "shares memory with the parameter w"),
    calling("changes its inputs", "params['w'] *= 1; data['x'] *= 2; return right(params, data)", "mutates-input"),
    calling(
        "changes its inputs, which it locks",
        "data['x'] *= 2; g = right(params, data); data['x'].setflags(write=False); return g",
        "mutates-input",
        "the data x",
    ),
    calling(
        "claims an array of a thousand million entries",
        "return {'w': np.broadcast_to(np.float64(0), 10**9)}",
        "exception",
        "what was returned is too large to be handed over: 8000000000 bytes",
    ),
    calling(
        "returns a list that holds itself",
        "a = []; a.append(a); return {'w': a}",
        "exception|dtype",
    ),
    calling("returns a number without end", "return {'w': 1 << 10**7}", "dtype", "a int, not an array"),
    calling("returns objects", "return {'w': right(params, data)['w'].astype(object)}", "dtype", "w is object, w is"),
    calling(
        "returns a masked array",
        "return {'w': np.ma.masked_array(right(params, data)['w'], True)}",
        "dtype",
        "the gradient of w is a MaskedArray, not an array",
    ),
    calling(
        "hides a number in NaN",
        """
        g = right(params, data)["w"]
        bits = g.view(f"u{g.itemsize}")
        bits |= np.array(np.nan, g.dtype).view(bits.dtype)
        return {"w": g}
        """,
        "non-finite",
    ),
    calling(
        "returns what is equal to everything",
        """
        class Equal:
            dtype = shape = property(lambda self: self)
            __array__ = __float__ = __hash__ = lambda self, *a, **k: 1 / 0
            __eq__ = __lt__ = __le__ = __ge__ = __bool__ = lambda self, *a: True
        return {"w": Equal()}
        """,
        "exception|dtype",
    ),
    calling(
        "returns an array that is never wrong",
        """
        class Agreeable(np.ndarray):
            def __array_ufunc__(self, ufunc, method, *inputs, **rest):
                return np.False_
            def __array_function__(self, *rest):
                return np.False_
            def tobytes(self, *rest):
                return right(params, data)["w"].tobytes()
        return {"w": np.zeros_like(params["w"]).view(Agreeable)}
        """,
        "value",
    ),
    calling(
        "returns a dict that lies",
        """
        class Lying(dict):
            def items(self):
                return right(params, data).items()
            def __getitem__(self, name):
                return right(params, data)[name]
            get = __getitem__
        return Lying(w=np.zeros_like(params["w"]))
        """,
        "value",
    ),
    calling(
        "returns a mapping without end",
        """
        from collections.abc import Mapping
        class Endless(Mapping):
            __len__ = lambda self: 1
            __getitem__ = lambda self, name: right(params, data)["w"]
            __iter__ = lambda self: iter(lambda: "w", None)
        return Endless()
        """,
        "exception",
        "no answer within 1 s",
    ),
    calling(
        "returns what has every attribute",
        """
        class Everything:
            def __getattr__(self, name):
                return self
            def __call__(self, *args, **rest):
                return self
        return Everything()
        """,
        "dtype",
        "the gradient of w is a Everything, not an array",
    ),
    calling("is of another class than it says", "class X: __class__ = dict\nreturn X()", "exception|dtype"),
    calling(
        "empties the list of modules",
        "import sys; sys.modules.clear(); return {'w': np.zeros_like(params['w'])}",
        "value|exception",  # from Python 3.12 on, sys itself can then not be imported a second time
    ),
    calling(
        "keeps its result",
        "g = globals().setdefault('kept', {}).setdefault((params['w'].shape, params['w'].dtype), "
        "right(params, data)['w']); g[...] = right(params, data)['w']; return {'w': g}",
        "aliases",
        "is the same memory in two calls",
    ),
    calling(
        "knows an array again",
        "known = globals().setdefault('known', {}); key = id(params['w'])\n"
        "if key not in known: known[key] = (params['w'], right(params, data))\n"
        "return {'w': known[key][1]['w'].copy()}",
        "stale",
        "new values in the same arrays are not seen",
    ),
]
"""What happens when the code is called."""

FORGED = {
    "nothing": "None, []",
    "no mapping": "{'list': []}, []",
    "a mapping without what has changed": "{'dict': []}, []",
    "an input changed that was not sent": "{'dict': [['changed', {'dict': [['-9', {'array': 0}]]}]]}, [WORD]",
    "an input changed to another shape": "{'dict': [['changed', {'dict': [['-1', {'array': 0}]]}]]}, [WORD]",
    "an input changed to a word": "{'dict': [['changed', {'dict': [['-1', 'word']]}]]}, []",
    "a refusal that is no text": "{'dict': [['changed', {'dict': []}], ['refused', 5]]}, []",
    "a class of no name": "{'dict': [['changed', {'dict': []}], ['cache', 1], ['result', {'object': '\\0'}]]}, []",
    "an array that shares memory with nonsense": "{'list': []}, [WORD | {'number': 1, 'shares': [[1]]}]",
    "an array whose number is none": "{'list': []}, [WORD | {'number': [], 'shares': []}]",
    "a key that is none": "{'dict': [[[], 1]]}, []",
}
"""Answers that a file may write in the place of the process it runs in: what the other process reads of each."""


def forging(answer: str) -> File:
    """A file whose function has answered the request before it returns."""
    return calling(
        "forges",
        f"""
        import json, os, struct, sys
        WORD = {{"dtype": "<U1", "shape": [0]}}
        says, arrays = {answer}
        frame = sys._getframe()
        while "request" not in frame.f_locals:
            frame = frame.f_back
        text = json.dumps({{"number": frame.f_locals["request"]["number"], "says": says, "arrays": arrays}}).encode()
        os.write(frame.f_locals["self"].channel.fileno(), struct.pack("<4sIQ", b"grad", len(text), 0) + text)
        return right(params, data)
        """,
    )


AT_IMPORT = [
    importing("leaves", "import os; os._exit(0)", "the process ended itself with status 0"),
    importing("exits", "raise SystemExit", r"SystemExit \(line 7\)"),
    importing("is interrupted", "raise KeyboardInterrupt", "KeyboardInterrupt"),
    importing("raises", "print('so far'); 1 / 0", r"ZeroDivisionError: .* \(line 7\)"),
    importing(
        "never ends", "print('so far', flush=True)\nwhile True: pass", "no answer within 2 s; it last printed 'so far'"
    ),
    importing("is no Python", "def def", "SyntaxError: invalid syntax"),
    importing("takes 10 GB", "np.ones(10 * 2**27)", ".*MemoryError"),
    importing(
        "closes every file", "import os; os.closerange(0, 65536)", "the process (ended itself|closed its connection)"
    ),
    importing(
        "writes nonsense to every file",
        "import os\nfor n in range(3, 64):\n    try: os.write(n, b'nonsense' * 9)\n    except OSError: pass",
        "the process broke the protocol",
    ),
]
"""What happens when the file is imported."""

PATCHED = [
    importing(
        "NumPy agrees with everything",
        """
        right = lambda params, data: {"w": np.zeros_like(params["w"])}
        np.allclose = np.all = np.shares_memory = np.isfinite = np.asarray = lambda *a, **k: True
        np.abs = np.max = np.any = np.frombuffer = np.ndarray = np.dtype = lambda *a, **k: False
        """,
        "the gradient of w is wrong",
    ),
    importing(
        "Python agrees with everything",
        """
        import builtins
        right = lambda params, data: {"w": params["w"] - params["w"]}
        builtins.len = lambda *a: 1
        builtins.isinstance = builtins.all = builtins.any = lambda *a: True
        builtins.abs = builtins.sum = lambda *a: 0
        """,
        "",
    ),
    importing(
        "NumPy's memory never overlaps",
        """
        np.shares_memory = np.may_share_memory = lambda *a, **k: False
        right = lambda params, data: {"w": params["w"]}
        """,
        "shares memory with the parameter w",
    ),
]
"""What the file does to Python and NumPy, which here goes on as before."""

HARMLESS = [
    calling(
        "prints 100 MB",
        "print('x' * 10**8) if not globals().get('said') else None\nglobals()['said'] = True\n"
        "return right(params, data)",
    ),
    calling(
        "forks",
        "import os\nif not globals().get('forked'): globals()['forked'] = True; os.fork()\nreturn right(params, data)",
    ),
    calling(
        "leaves threads running",
        "import threading, time\nif threading.active_count() < 3:\n"
        "    threading.Thread(target=lambda: [time.sleep(0.01) for _ in iter(int, 1)]).start()\n"
        "return right(params, data)",
    ),
    calling(
        "does not want to leave",
        "import atexit, time; atexit.register(time.sleep, 100); return right(params, data)",
    ),
    importing("needs a file beside it", "from beside import right", ""),
    importing("needs gradproof", "import gradproof; from gradproof import verify, Problem; gradproof.Place", ""),
    importing("holds dataclasses", "import dataclasses\n@dataclasses.dataclass\nclass Kept: x: 'int' = 1", ""),
]
"""Files that are odd, and right."""
