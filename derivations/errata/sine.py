"""The sine network's printed backward pass: each of its mistakes in code that is otherwise right, and all together.

The counterexamples share one point. With W = 2 ln 3, U = 0 and V = 1 a single unit has s_1 = sigmoid(0) = 1/2 and
s_2 = sigmoid(ln 3) = 3/4, so that everything else can be worked out by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Integer, Rational, log

from derivations.elman import SIGMOID, T, U, V, W, before, h, i, j, nabla_h, nabla_yhat, network, p, q, r, t, v, x
from derivations.errata import claims
from derivations.recurrent import HALF_SQUARED
from derivations.sources import A
from gradproof.errata import Counterexample, FactErratum, GradientErratum
from gradproof.symbolic import index, total

BACKWARD = f"{A}, Sequence Prediction using RNN, Step 2.3.2, Backpropagate Error"

ONE, ZERO = Integer(1), Integer(0)
STATES = "s_1 = sigmoid(0) = 1/2, s_2 = sigmoid(W/2) = sigmoid(ln 3) = 3/4"
DELTA_2 = "delta_2 = V s_2 (1 - s_2) = 3/16"
DELTA_1 = "delta_1 = W delta_2 s_1 (1 - s_1) = (3 ln 3)/32"


def at_the_point(
    entry: tuple[Any, ...], printed: Any, exact: Any, *working: str, y: Any = None, **data: int
) -> Counterexample:
    """A counterexample at the shared point; unless given, the target is such that the error is 1."""
    y = Rational(-1, 4) if y is None else y
    error = f"yhat - y = V s_2 - y = {Rational(3, 4) - y}"
    return Counterexample(
        params={"W": [[2 * log(3)]], "U": [[ZERO, ZERO]], "V": [[ONE]]},
        data={"x": [ONE, ONE], "y": [y], **data},
        entry=entry,
        printed=printed,
        exact=exact,
        working=(STATES, error, *working),
    )


# ---- the printed forms in index notation ----------------------------------------------------------------------------


def claimed(claim: str, value: Callable[[], Any]) -> Callable[[], Any]:
    """A formula of the sine network, as printed."""
    return claims.claimed(lambda: network(SIGMOID, HALF_SQUARED, last_only=True, bias=False, sine=True), claim, value)


def signal(t: Any, p: Any) -> Any:
    return SIGMOID.slope(h[t, p]) * nabla_h[t, p]


def pre_activation(t: Any, p: Any) -> Any:
    return total(W[p, j] * h[t - 1, j], j) + U[p, t] * x[t]


def error_again() -> Any:
    """The recursion with the output's part at every step, not at the last alone."""
    return total(W[i, q] * signal(before + 1, i), i) + total(V[r, q] * nabla_yhat[r], r)


early = index("t", lower=1, upper=T - 1)

# ---- one mistake at a time ------------------------------------------------------------------------------------------

slope_of_pre_activation = GradientErratum(
    key="sine-slope-of-pre-activation",
    title="the sigmoid's derivative taken from the pre-activation",
    rows=("A-E2",),
    source=BACKWARD,
    kind="wrong",
    printed="add (1 - add), with add = U x + W s",
    corrected="s (1 - s), with s = sigmoid(add)",
    why="s (1 - s) is the derivative in terms of the sigmoid's value; in terms of its argument it is negative above 1.",
    formula="sine-rnn",
    counterexample=at_the_point(
        ("W", 0, 0),
        log(3) * (1 - log(3)) / 2,
        Rational(3, 32),
        DELTA_2 + "; printed: add_2 (1 - add_2) = ln 3 (1 - ln 3)",
        "dW = delta_2 s_1 + delta_1 s_0 = delta_2 / 2, since s_0 = 0",
    ),
    refuted=claimed(
        "W",
        lambda: total(pre_activation(t, p) * (1 - pre_activation(t, p)) * nabla_h[t, p] * h[t - 1, q], t),
    ),
)

slope_of_last_step = GradientErratum(
    key="sine-slope-of-last-step",
    title="the last step's derivative used for every step",
    rows=("A-E3",),
    source=BACKWARD,
    kind="wrong",
    printed="phi'(add_T) at every step",
    corrected="phi'(add_t) at step t",
    why="The variable still holds what the forward loop left in it; each step has a derivative of its own.",
    formula="sine-rnn",
    counterexample=at_the_point(
        ("U", 0, 0),
        9 * log(3) / 128,
        3 * log(3) / 32,
        DELTA_2,
        DELTA_1 + "; printed: W delta_2 s_2 (1 - s_2) = (9 ln 3)/128",
        "dU_1 = delta_1 x_1 = delta_1",
    ),
    refuted=claimed("W", lambda: total(SIGMOID.slope(h[T, p]) * nabla_h[t, p] * h[t - 1, q], t)),
)

weights_times_state = GradientErratum(
    key="sine-weights-times-state",
    title="W times the state in place of the outer product of signal and state",
    rows=("A-E4",),
    source=BACKWARD,
    kind="wrong",
    printed="dW_i = W s_(i-1), a column spread over all columns",
    corrected="dW_i = delta_i s_(i-1)^T",
    why="This is the forward product again: it does not contain the error, and its shape fits only by broadcasting.",
    formula="sine-rnn",
    counterexample=at_the_point(
        ("W", 0, 0),
        log(3),
        Rational(3, 32),
        DELTA_2 + "; dW = delta_2 s_1 = 3/32",
        "printed: W s_1 + W s_0 = 2 ln 3 / 2 + 0",
    ),
    refuted=claimed("W", lambda: total(total(W[p, j] * h[t - 1, j], j), t)),
)

weights_times_input = GradientErratum(
    key="sine-weights-times-input",
    title="U times the input in place of the outer product of signal and input",
    rows=("A-E5",),
    source=BACKWARD,
    kind="wrong",
    printed="dU_i = U x_i, a column spread over all columns",
    corrected="dU_i = delta_i x_i^T",
    why="As for W: the forward product, without the error.",
    formula="sine-rnn",
    counterexample=at_the_point(
        ("U", 0, 1), ZERO, Rational(3, 16), DELTA_2, "dU_2 = delta_2 x_2 = 3/16; printed: 0, since U = 0"
    ),
    refuted=claimed("U", lambda: total(U[p, t] * x[t], t)),
)

outer_step_for_inner = GradientErratum(
    key="sine-outer-step-for-inner",
    title="state and input of the outer step at every inner step",
    rows=("A-E6",),
    source=BACKWARD,
    kind="wrong",
    printed="delta_i s_(t-1)^T, delta_i x_t^T",
    corrected="delta_i s_(i-1)^T, delta_i x_i^T",
    why="The inner loop goes back through the steps i, but reads what belongs to t.",
    formula="sine-rnn",
    counterexample=at_the_point(
        ("W", 0, 0),
        Rational(3, 32) + 3 * log(3) / 64,
        Rational(3, 32),
        DELTA_2 + ", " + DELTA_1,
        "dW = delta_2 s_1 + delta_1 s_0 = 3/32; printed: delta_2 s_1 + delta_1 s_1",
    ),
    refuted=claimed("W", lambda: total(signal(t, p) * h[T - 1, q], t)),
)

error_at_every_inner_step = GradientErratum(
    key="sine-error-at-every-inner-step",
    title="the output's error added again at every inner step",
    rows=("A-E7",),
    source=BACKWARD,
    kind="wrong",
    printed="ds_i = V^T (yhat - y) + W^T delta_(i+1)",
    corrected="ds_i = W^T delta_(i+1) for i < T",
    why="The loss reads the last output only, so the error enters once, at the last step.",
    formula="sine-rnn",
    counterexample=at_the_point(
        ("U", 0, 0),
        3 * log(3) / 32 + Rational(1, 4),
        3 * log(3) / 32,
        DELTA_2 + ", " + DELTA_1,
        "dU_1 = delta_1 x_1; printed: (W delta_2 + V) s_1 (1 - s_1) = delta_1 + 1/4",
    ),
    refuted=claimed("step", error_again),
)

error_at_every_outer_step = GradientErratum(
    key="sine-error-at-every-outer-step",
    title="the backward pass started anew at every step with the last output's error",
    rows=("A-E7",),
    source=BACKWARD,
    kind="wrong",
    printed="one pass back from each t, with yhat_T - y",
    corrected="one pass back, from T",
    why="Only the last output is compared with the target; the others have no error to send back.",
    formula="sine-rnn",
    counterexample=at_the_point(
        ("U", 0, 0),
        3 * log(3) / 32 + Rational(1, 4),
        3 * log(3) / 32,
        DELTA_2 + ", " + DELTA_1,
        "dU_1 = delta_1 x_1; printed, the pass from t = 1 adds V s_1 (1 - s_1) x_1 = 1/4",
    ),
    refuted=claimed("step", error_again),
    note="With all steps looked back on, the same gradient as the error added again at every inner step.",
)

output_weights_at_every_step = GradientErratum(
    key="sine-output-weights-at-every-step",
    title="the gradient by V added up over all steps",
    rows=("A-E7",),
    source=BACKWARD,
    kind="wrong",
    printed="dV = sum_t (yhat - y) s_t^T",
    corrected="dV = (yhat - y) s_T^T",
    why="The loss reads V s_T alone.",
    formula="sine-rnn",
    counterexample=at_the_point(
        ("V", 0, 0), Rational(5, 4), Rational(3, 4), "dV = s_2 = 3/4; printed: s_1 + s_2 = 5/4"
    ),
    refuted=claimed("V", lambda: total(nabla_yhat[v] * h[t, q], t)),
)

own_term_lost = GradientErratum(
    key="sine-own-term-lost",
    title="the inner loop starts one step too early in time, and the largest term is lost",
    rows=("A-E12",),
    source=BACKWARD,
    kind="wrong",
    printed="dW = sum over i = t-1, t-2, ...",
    corrected="dW = sum over i = t, t-1, ...",
    why="Step t's own term, the one nearest to the error, is computed and never added.",
    formula="sine-rnn",
    counterexample=at_the_point(
        ("W", 0, 0), ZERO, Rational(3, 32), DELTA_2, "dW = delta_2 s_1 + delta_1 s_0 = 3/32; printed: delta_1 s_0 = 0"
    ),
    refuted=claimed("W", lambda: total(signal(early, p) * h[early - 1, q], early)),
)

without_the_error = GradientErratum(
    key="sine-gradient-without-the-error",
    title="the gradients by W and U do not depend on the error",
    rows=("A-E13",),
    source=BACKWARD,
    kind="wrong",
    printed="dW_i = W s_(i-1), dU_i = U x_i, whatever yhat - y",
    corrected="dW and dU are 0 where yhat = y",
    why="What is wrong with the signal, the slopes or the error cannot show while neither gradient contains them: to"
    " mend one mistake alone changes nothing.",
    formula="sine-rnn",
    counterexample=at_the_point(
        ("W", 0, 0), log(3), ZERO, "the loss is least here, so dW = 0; printed: W s_1 = ln 3", y=Rational(3, 4)
    ),
    refuted=claimed("W", lambda: total(total(W[p, j] * h[t - 1, j], j), t)),
    note="A-E4 and A-E5 together.",
)

sums_never_reset = GradientErratum(
    key="sine-sums-never-reset",
    title="the sums over the inner steps are not reset between the outer ones",
    rows=("A-E8",),
    source=BACKWARD,
    kind="wrong",
    printed="dU_t goes on from dU_(t-1), and all are added",
    corrected="dU_t starts from 0",
    why="What step 1 contributes is added once for each step that follows.",
    formula="rnn-sigmoid",
    counterexample=Counterexample(
        params={
            "W": [[ZERO]],
            "U": [[ZERO]],
            "b": [ZERO],
            "V": [[ONE]],
            "c": [ZERO],
            "h0": [ZERO],
        },
        data={"x": [[ONE], [ONE]]},
        upstream=[[ONE], [ONE]],
        entry=("U", 0, 0),
        printed=Rational(3, 4),
        exact=Rational(1, 2),
        working=(
            "h_1 = h_2 = sigmoid(0) = 1/2, and each step has the term h (1 - h) x = 1/4",
            "dU = 1/4 + 1/4 = 1/2; printed: 1/4, and then 1/4 + 1/4 once more",
        ),
    ),
    note="Alone it does no harm to the sine network, whose only error is at the last step; so it is shown on a loss"
    " that reads every step. In the printed code, which sends an error back from each, it counts.",
)

as_printed = GradientErratum(
    key="sine-backward-as-printed",
    title="the backward pass of the sine network with all its mistakes",
    rows=("A-E2", "A-E3", "A-E4", "A-E5", "A-E6", "A-E7", "A-E8", "A-E12", "A-E13"),
    source=BACKWARD,
    kind="wrong",
    printed="nine mistakes at once",
    corrected="truncated backpropagation through time",
    why="From weights and with a rate from which the gradient learns the sine, it ends worse than the mean would.",
    formula="sine-rnn-truncated",
    counterexample=at_the_point(
        ("W", 0, 0),
        log(3),
        Rational(3, 32),
        DELTA_2 + "; dW = delta_2 s_1 = 3/32",
        "printed: from t = 1 nothing, from t = 2 W s_1 = 2 ln 3 / 2",
        tau=2,
    ),
)

# ---- the programs around it -----------------------------------------------------------------------------------------

mean_over_one = FactErratum(
    key="sine-loss-over-one",
    title="the loss divided by the length of one target",
    rows=("A-E9",),
    source=f"{A}, Sequence Prediction using RNN, Steps 2.1 and 2.2",
    kind="code",
    printed="loss / y.shape[0], which is 1",
    corrected="loss / the number of records",
    why="y is the last record's target, of shape (1,): what is called the loss is the sum over the records. The"
    " validation loss has the same slip.",
    promise="a loss per record stays the same when every record is given twice: ratio 1",
    holds=lambda ratio: abs(ratio - 1) < 1e-9,
)

other_network_predicts = FactErratum(
    key="sine-prediction-of-another-network",
    title="the prediction feeds the whole sequence at every step",
    rows=("A-E10",),
    source=f"{A}, Sequence Prediction using RNN, Step 3, Get predictions",
    kind="code",
    printed="U x, with all of x, at every step",
    corrected="U (x_t at place t, else 0) at step t, as in training",
    why="It is another function of the weights than the one that was trained.",
    promise="the prediction is the trained network's output: difference 0",
    holds=lambda difference: abs(difference) < 1e-9,
)

loss_inside_the_loop = FactErratum(
    key="sine-validation-loss-at-every-step",
    title="the validation loss adds every step's output",
    rows=("A-E18",),
    source=f"{A}, Sequence Prediction using RNN, Step 2.2",
    kind="code",
    printed="sum over all steps of (y - V s_t)^2 / 2",
    corrected="(y - V s_T)^2 / 2",
    why="By its indentation the loss of a record is added inside the loop over the steps, as it is not in Step 2.1.",
    promise="a record's validation loss is the loss it has in training: ratio 1",
    holds=lambda ratio: abs(ratio - 1) < 1e-9,
    note="Indentation can be lost in a scan; read as it is printed.",
)

settings_cannot_learn = FactErratum(
    key="sine-settings-cannot-learn",
    title="the stated weights and learning rate cannot learn",
    rows=("A-E16",),
    source=f"{A}, Sequence Prediction using RNN, Create the Architecture",
    kind="text",
    printed="weights uniform in [0, 1), eta 1e-4, 2 epochs",
    corrected="weights uniform in +-1/sqrt(fan-in), eta .05, 25 epochs",
    why="With 100 positive weights a unit every state saturates: sigmoid is 1 to the last bit, and W gets no gradient.",
    promise="a network that is to be trained has a gradient: max |dW| > 0",
    holds=lambda largest: largest > 1e-12,
)
