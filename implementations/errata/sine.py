"""The sine network's backward pass in the shape the source gives it, with each of its mistakes as a switch.

For every step t whose output the loss reads, an inner loop goes back through the steps i = t, t - 1, ...; what it adds
up over i is added up over t. Without a mistake this is backpropagation through time, truncated after tau steps: slower
than one pass, but the same. Letters and shapes as in ``implementations.recurrent``; here t and i count from 0.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.errata import Demonstration, Misprint
from gradproof.problem import Data, Params
from implementations.recurrent import SIGMOID, Array, Cache, SineRNN, WithLoss, at_last_step, half_squared_error


class Mistake(enum.Enum):
    """What is printed otherwise than it should be, one at a time."""

    SLOPE_OF_PRE_ACTIVATION = "A-E2"
    SLOPE_OF_LAST_STEP = "A-E3"
    WEIGHTS_TIMES_STATE = "A-E4"
    WEIGHTS_TIMES_INPUT = "A-E5"
    OUTER_STEP_FOR_INNER = "A-E6"
    ERROR_AT_EVERY_INNER_STEP = "A-E7, inner loop"
    ERROR_AT_EVERY_OUTER_STEP = "A-E7, outer loop"
    OUTPUT_WEIGHTS_AT_EVERY_STEP = "A-E7, dV"
    SUMS_NEVER_RESET = "A-E8"
    OWN_TERM_LOST = "A-E12"


ALL = frozenset(Mistake)


@dataclass(frozen=True)
class DoubleLoop:
    """Backpropagation through time by two loops, with the given mistakes and no others.

    Of a layer of outputs (T, m), any of which may have an upstream gradient: ``forward(params, data)`` and
    ``backward(upstream, cache)`` as of ``Network``.
    """

    mistakes: frozenset[Mistake] = frozenset()

    def forward(self, params: Params, data: Data) -> tuple[Array, Cache]:
        return SIGMOID.forward(params, data)

    def backward(self, nabla_y: Array, cache: Cache) -> Params:
        steps = range(len(nabla_y))
        return self.gradients(nabla_y, cache, read=steps, tau=len(nabla_y))

    def gradients(self, nabla_y: Array, cache: Cache, *, read: Iterable[int], tau: int) -> Params:
        """read: the steps whose output the loss reads. tau: how many steps the inner loop goes back."""
        made = self.mistakes
        params, h, T = cache.params, cache.h, len(cache.x)
        W, V = params["W"], params["V"]
        total = {name: np.zeros_like(theta) for name, theta in params.items()}
        of_step = {name: np.zeros_like(params[name]) for name in ("W", "U", "b") if name in params}
        slope = self.slope(cache)
        for t in range(T) if Mistake.ERROR_AT_EVERY_OUTER_STEP in made else read:
            error = nabla_y[-1] if Mistake.ERROR_AT_EVERY_OUTER_STEP in made else nabla_y[t]
            if Mistake.SUMS_NEVER_RESET not in made:
                of_step = {name: np.zeros_like(part) for name, part in of_step.items()}
            seen, carry = V.T @ error, np.zeros_like(h[0])
            first = t - 1 if Mistake.OWN_TERM_LOST in made else t  # of those added; the signal starts at t all the same
            for i in range(t, max(first - tau, -1), -1):
                again = i == t or Mistake.ERROR_AT_EVERY_INNER_STEP in made
                delta = slope[i] * ((seen if again else 0) + carry)
                carry = W.T @ delta
                if i <= first:
                    self.add(of_step, delta, cache, t if Mistake.OUTER_STEP_FOR_INNER in made else i)
            if i == 0 and "h0" in total:
                total["h0"] += carry
            for name, part in of_step.items():
                total[name] += part
            if "c" in total:
                total["c"] += error
            if Mistake.OUTPUT_WEIGHTS_AT_EVERY_STEP not in made:
                total["V"] += np.outer(error, h[t + 1])
        if Mistake.OUTPUT_WEIGHTS_AT_EVERY_STEP in made:
            total["V"] += np.outer(nabla_y[-1], h[1:].sum(axis=0))
        return total

    def slope(self, cache: Cache) -> Array:
        """(T, n): phi' at each step, or what is printed for it."""
        slope = cache.slope
        if Mistake.SLOPE_OF_PRE_ACTIVATION in self.mistakes:
            params = cache.params
            add = cache.h[:-1] @ params["W"].T + cache.x @ params["U"].T + params.get("b", 0)
            slope = add * (1 - add)
        return np.broadcast_to(slope[-1], slope.shape) if Mistake.SLOPE_OF_LAST_STEP in self.mistakes else slope

    def add(self, sums: Params, delta: Array, cache: Cache, i: int) -> None:
        """Add one inner step's terms to the sums, in place."""
        before, fed, params = cache.h[i], cache.x[i], cache.params
        by_state = Mistake.WEIGHTS_TIMES_STATE in self.mistakes
        by_input = Mistake.WEIGHTS_TIMES_INPUT in self.mistakes
        sums["W"] += (params["W"] @ before)[:, None] if by_state else np.outer(delta, before)
        sums["U"] += (params["U"] @ fed)[:, None] if by_input else np.outer(delta, fed)
        if "b" in sums:
            sums["b"] += delta


@dataclass(frozen=True)
class SineByDoubleLoop:
    """The sine network's loss and gradients, as ``implementations.recurrent.SineRNN`` has them, by two loops."""

    mistakes: frozenset[Mistake] = frozenset()

    def forward(self, params: Params, data: Data) -> tuple[Any, Any]:
        one = WithLoss(SIGMOID, at_last_step(half_squared_error))
        loss, (nabla_y, cache) = one.forward(params, {**data, "x": np.diag(data["x"])})
        return loss, (nabla_y, cache, data.get("tau", len(nabla_y)))

    def backward(self, params: Params, data: Data, cache: Any) -> Params:
        nabla_y, states, tau = cache
        return DoubleLoop(self.mistakes).gradients(nabla_y, states, read=[len(nabla_y) - 1], tau=tau)


@dataclass(frozen=True)
class SineAsPrinted(SineByDoubleLoop):
    """All mistakes at once, without the loops: as printed, the gradients by W and U contain no error to send back.

    From step t the inner loop adds min(t, tau) times the same column, and since the sums are never reset, what t adds
    is counted T - t times: each gradient is one weighted sum over the steps. As fast as a training run needs it.
    """

    mistakes: frozenset[Mistake] = ALL

    def backward(self, params: Params, data: Data, cache: Any) -> Params:
        nabla_y, states, tau = cache
        steps = np.arange(len(nabla_y))
        weights = ((len(steps) - steps) * np.minimum(steps, tau)).astype(states.h.dtype)
        by_state = params["W"] @ (states.h[:-1].T @ weights)
        by_input = params["U"] @ (states.x.T @ weights)
        return {
            "W": np.repeat(by_state[:, None], params["W"].shape[1], axis=1),
            "U": np.repeat(by_input[:, None], params["U"].shape[1], axis=1),
            "V": np.outer(nabla_y[-1], states.h[1:].sum(axis=0)),
        }


def alone(key: str, *mistakes: Mistake) -> Misprint:
    """The mistakes in code that is otherwise right."""
    return Misprint(key=key, printed=SineByDoubleLoop(frozenset(mistakes)), corrected=SineByDoubleLoop())


SLOPE_OF_PRE_ACTIVATION = alone("sine-slope-of-pre-activation", Mistake.SLOPE_OF_PRE_ACTIVATION)
SLOPE_OF_LAST_STEP = alone("sine-slope-of-last-step", Mistake.SLOPE_OF_LAST_STEP)
WEIGHTS_TIMES_STATE = alone("sine-weights-times-state", Mistake.WEIGHTS_TIMES_STATE)
WEIGHTS_TIMES_INPUT = alone("sine-weights-times-input", Mistake.WEIGHTS_TIMES_INPUT)
OUTER_STEP_FOR_INNER = alone("sine-outer-step-for-inner", Mistake.OUTER_STEP_FOR_INNER)
ERROR_AT_EVERY_INNER_STEP = alone("sine-error-at-every-inner-step", Mistake.ERROR_AT_EVERY_INNER_STEP)
ERROR_AT_EVERY_OUTER_STEP = alone("sine-error-at-every-outer-step", Mistake.ERROR_AT_EVERY_OUTER_STEP)
OUTPUT_WEIGHTS_AT_EVERY_STEP = alone("sine-output-weights-at-every-step", Mistake.OUTPUT_WEIGHTS_AT_EVERY_STEP)
OWN_TERM_LOST = alone("sine-own-term-lost", Mistake.OWN_TERM_LOST)
GRADIENT_WITHOUT_THE_ERROR = alone(
    "sine-gradient-without-the-error", Mistake.WEIGHTS_TIMES_STATE, Mistake.WEIGHTS_TIMES_INPUT
)
AS_PRINTED = alone("sine-backward-as-printed", *ALL)
SUMS_NEVER_RESET = Misprint(
    key="sine-sums-never-reset",
    printed=DoubleLoop(frozenset({Mistake.SUMS_NEVER_RESET})),
    corrected=DoubleLoop(),
)


# The programs around it ----------------------------------------------------------------------------------------------


def some_records() -> tuple[Params, list[Data]]:
    """Weights of a small network and three windows of the sine, each with the number that follows it."""
    rng = np.random.default_rng(0)
    n, T = 4, 6
    params = {"U": rng.uniform(-1, 1, (n, T)), "W": rng.uniform(-0.5, 0.5, (n, n)), "V": rng.uniform(-0.5, 0.5, (1, n))}
    wave = np.sin(np.arange(20))
    return params, [{"x": wave[k : k + T], "y": wave[k + T : k + T + 1]} for k in range(3)]


def reported_loss(records: list[Data], params: Params, *, over_records: bool) -> Any:
    total = sum(SineRNN().forward(params, record)[0] for record in records)
    return total / (len(records) if over_records else len(records[-1]["y"]))


def doubled_over_single(*, over_records: bool) -> float:
    """The reported loss when every record is given twice, as a share of the loss when each is given once."""
    params, records = some_records()
    once = reported_loss(records, params, over_records=over_records)
    return float(reported_loss([*records, *records], params, over_records=over_records) / once)


LOSS_OVER_ONE = Demonstration(
    key="sine-loss-over-one",
    printed=lambda: doubled_over_single(over_records=False),
    corrected=lambda: doubled_over_single(over_records=True),
)


def prediction_minus_output(*, whole_sequence: bool) -> float:
    """What the prediction's loop returns, less the output that the training compared with the target."""
    params, (record, *_) = some_records()
    x = record["x"]
    fed = np.tile(x, (len(x), 1)) if whole_sequence else np.diag(x)
    predicted, _ = SIGMOID.forward(params, {"x": fed})
    trained, _ = SIGMOID.forward(params, {"x": np.diag(x)})
    return float(predicted[-1, 0] - trained[-1, 0])


PREDICTION_OF_ANOTHER_NETWORK = Demonstration(
    key="sine-prediction-of-another-network",
    printed=lambda: prediction_minus_output(whole_sequence=True),
    corrected=lambda: prediction_minus_output(whole_sequence=False),
)


def validation_over_training(*, every_step: bool) -> float:
    """A record's validation loss as a share of its loss in training."""
    params, (record, *_) = some_records()
    outputs, _ = SIGMOID.forward(params, {"x": np.diag(record["x"])})
    losses = (record["y"] - outputs) ** 2 / 2
    return float((losses.sum() if every_step else losses[-1, 0]) / SineRNN().forward(params, record)[0])


VALIDATION_LOSS_AT_EVERY_STEP = Demonstration(
    key="sine-validation-loss-at-every-step",
    printed=lambda: validation_over_training(every_step=True),
    corrected=lambda: validation_over_training(every_step=False),
)
