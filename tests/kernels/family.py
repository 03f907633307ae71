"""The family of networks that every kernel computes, as problems of their own: each choice of options is one.

Their losses are the forward passes of the catalogue's formulas, sequence by sequence; the batch, the lengths and the
window are written out around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np

from gradproof import Problem
from implementations import recurrent_forward as forward
from implementations.activations import cross_entropy, log_softmax, smooth_sigmoid
from tests.kernels.catalogue import Call

PHI = {"tanh": np.tanh, "sigmoid": smooth_sigmoid}


@dataclass(frozen=True)
class Member:
    """One choice of options. targets: "numbers", or for the cross-entropy "labels" or "probabilities"."""

    activation: str
    outputs: str
    loss: str
    targets: str
    biases: bool
    ragged: bool
    windowed: bool

    def __str__(self) -> str:
        words = [self.activation, self.outputs, self.loss.replace(" ", "-")]
        words += [self.targets] if self.loss == "cross-entropy" else []
        words += [
            w for w, has in (("no-bias", not self.biases), ("ragged", self.ragged), ("window", self.windowed)) if has
        ]
        return "-".join(words)

    @property
    def choices(self) -> set[Any]:
        """Each two of its options."""
        outputs = (self.outputs, self.windowed)  # a window needs the last output
        options = (self.activation, (self.loss, self.targets), self.biases, self.ragged, outputs)
        return set(combinations(enumerate(options), 2))

    def call(self, data: Any) -> Call:
        """What a kernel is given at a point."""
        options = {"activation": self.activation, "outputs": self.outputs, "loss": self.loss}
        options |= {name: data[name] for name in ("lengths", "window") if name in data}
        return data["x"], data["target"], options

    def problem(self) -> Problem:
        least = 2 if self.loss == "cross-entropy" else 1  # one class alone has probability 1, and no gradient
        # Long sequences; a batch and states that are no multiple of the width of anything.
        pinned = ({"B": 2, "n": 2, "d": 1, "m": least, "T": 30}, {"B": 17, "n": 9, "d": 2, "m": 2, "T": 3})
        return Problem(
            name=f"kernel: {self}",
            loss=self.value,
            sizes={"B": (1, 4), "n": (1, 4), "d": (1, 3), "m": (least, 3), "T": (1, 6)},
            draw=self.draw,
            frozen=self.frozen_states if self.windowed else None,
            fixed=("target",) if self.loss == "cross-entropy" else (),
            pinned=pinned,
        )

    def draw(self, sizes: Any, rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any]]:
        T, B, d, n, m = (sizes[name] for name in "TBdnm")
        params = {"W": (n, n), "U": (n, d), "b": (n,), "V": (m, n), "c": (m,)}
        if not self.biases:
            params = {name: params[name] for name in "WUV"}
        data: dict[str, Any] = {"x": rng.normal(size=(T, B, d))}
        if self.ragged:
            data["lengths"] = rng.integers(1, T + 1, size=B)
        if self.windowed:
            data["window"] = int(rng.integers(1, T + 1))
        places = (T, B) if self.outputs == "each" else (B,)
        if self.targets == "labels":
            data["target"] = rng.integers(0, m, size=places)
        elif self.targets == "probabilities":
            data["target"] = rng.dirichlet(np.ones(m), size=places)
        else:
            data["target"] = rng.normal(size=(*places, m))
        return {name: rng.normal(size=shape) for name, shape in params.items()}, data

    def value(self, params: Any, data: Any) -> Any:
        return sum(self.of_one(params, data, k) for k in range(data["x"].shape[1]))

    def of_one(self, params: Any, data: Any, k: int) -> Any:
        """The loss of sequence k."""
        x, target, end = data["x"][:, k], data["target"], self.end(data, k)
        phi = PHI[self.activation]
        if self.outputs == "each":
            return self.compared(forward.outputs(params, x[:end], phi), target[:end, k])
        first = self.first(data, k)
        start = {"h0": data["frozen"][k]} if self.windowed else {}
        return self.compared(forward.last_output({**params, **start}, x[first:end], phi), target[k])

    def end(self, data: Any, k: int) -> int:
        return int(data["lengths"][k]) if self.ragged else data["x"].shape[0]

    def first(self, data: Any, k: int) -> int:
        """How many steps lie before the window."""
        return max(self.end(data, k) - data["window"], 0) if self.windowed else 0

    def frozen_states(self, params: Any, data: Any) -> dict[str, Any]:
        """The state before each sequence's window, which counts as a constant."""
        states = []
        for k in range(data["x"].shape[1]):
            before = forward.states(params, data["x"][: self.first(data, k), k], PHI[self.activation])
            states.append([np.zeros_like(params["W"][0]), *before][-1])
        return {"frozen": np.stack(states)}

    def compared(self, yhat: Any, target: Any) -> Any:
        if self.loss == "cross-entropy":
            return cross_entropy(log_softmax(yhat), self.as_rows(target, yhat.shape[-1]))
        error = np.sum((yhat - target) ** 2)
        return error / 2 if self.loss == "half squared error" else error

    def as_rows(self, target: Any, m: int) -> Any:
        return np.eye(m)[target] if self.targets == "labels" else target


def members() -> list[Member]:
    """The whole family."""
    return [
        Member(activation, outputs, loss, targets, biases, ragged, windowed)
        for activation, (loss, targets), biases, ragged, (outputs, windowed) in product(
            ("tanh", "sigmoid"),
            (
                ("squared error", "numbers"),
                ("half squared error", "numbers"),
                ("cross-entropy", "labels"),
                ("cross-entropy", "probabilities"),
            ),
            (True, False),
            (False, True),
            (("each", False), ("last", False), ("last", True)),
        )
    ]


def covering_members() -> list[Member]:
    """A few in which each two options meet at least once: what an option alone breaks, or two together, shows there."""
    chosen: list[Member] = []
    missing = set().union(*(member.choices for member in members()))
    while missing:
        chosen.append(max(members(), key=lambda member: len(member.choices & missing)))
        missing -= chosen[-1].choices
    return chosen
