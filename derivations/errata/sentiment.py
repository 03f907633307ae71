"""Mistakes around the sentiment network: a softmax that overflows, cells and comments of other runs, shared arrays."""

from __future__ import annotations

from math import isclose

from sympy import Rational, exp, log

from derivations.sources import E
from gradproof.errata import FactErratum

BACKPROP = f"{E}, Back propagation, backprop"
TRAINING = f"{E}, Training loop and processData"
UNTRAINED = f"{E}, Forward propagation, the first output"

# ---- softmax and loss -----------------------------------------------------------------------------------------------


def _is_softmax_of_1000_and_0(value: tuple[float, float]) -> bool:
    exact = [(exp(o) / (exp(1000) + exp(0))).evalf(30) for o in (1000, 0)]
    return all(isclose(p, q, abs_tol=1e-12) for p, q in zip(value, exact, strict=True))


softmax_overflow = FactErratum(
    key="softmax-overflow",
    title="a softmax of exponentials that overflow",
    rows=("E-E3",),
    source=UNTRAINED,
    kind="code",
    printed="exp(y) / sum exp(y)",
    corrected="exp(y - max y) / sum exp(y - max y)",
    why="From 710 on exp is inf, and inf / inf is NaN. The same number taken from all logits leaves their softmax as it"
    " is.",
    promise="the softmax of (1000, 0)",
    holds=_is_softmax_of_1000_and_0,
)

softmax_of_one_number = FactErratum(
    key="softmax-of-one-number",
    title="the softmax of one logit",
    rows=("E-E5",),
    source=f"{E}, Back propagation, Gradients",
    kind="text",
    printed="L = -ln softmax(y_c)",
    corrected="L = -ln softmax(y)_c",
    why="The softmax of a single number is 1, and the loss would always be 0.",
    promise="the loss of the example p = (0.2, 0.2, 0.6), c = 0: -ln 0.2",
    holds=lambda loss: isclose(loss, -log(Rational(1, 5))),
)

# ---- what is printed beside what is run -----------------------------------------------------------------------------

untrained_output_comment = FactErratum(
    key="untrained-output-comment",
    title="a comment with the output of another run",
    rows=("E-E5",),
    source=UNTRAINED,
    kind="text",
    printed="[0.50000095, 0.49999905]",
    corrected="[0.49999766, 0.50000234]",
    why="The weights come from a seed, the order of the words from a set. With good as word 0, as is printed, 240 of"
    " the 4080 places of the other three words give the output, and none gives the comment: that run had another word"
    " there.",
    promise="at least one order of the words gives the digits",
    holds=lambda orders: orders > 0,
)

cells_in_order = FactErratum(
    key="cells-in-order",
    title="an object that is older than its class",
    rows=("E-E4",),
    source=f"{E}, Forward and back propagation, the cells",
    kind="code",
    printed="rnn is made, then RNN is defined again with backprop",
    corrected="rnn is made again",
    why="To define a class again does not change the objects that are there. Run in order, the cells end in an error.",
    promise="after all cells, rnn has the backward pass",
    holds=lambda outcome: outcome == "gradients",
)

# ---- backward pass and training -------------------------------------------------------------------------------------

gradient_clipped_in_place = FactErratum(
    key="gradient-clipped-in-place",
    title="clipping that writes into the caller's gradient",
    rows=("E-E7",),
    source=BACKPROP,
    kind="code",
    printed="d_by = d_y; clip(d_by, out=d_by)",
    corrected="d_by = clip(d_y)",
    why="d_by is d_y under another name. The gradient of the printed loss has no entry beyond 1, so that nothing is"
    " seen; that of another loss is changed in the caller's hands.",
    promise="the upstream gradient (3, -2) is the same after the call",
    holds=lambda upstream: upstream == (3.0, -2.0),
)

loss_of_shape_one = FactErratum(
    key="loss-of-shape-one",
    title="a loss that is an array of one entry",
    rows=("E-E8",),
    source=TRAINING,
    kind="code",
    printed="ln(probs[target]), of shape (1,)",
    corrected="ln(probs[target, 0])",
    why="probs is a column, so that an entry of it is an array. When that is printed as a number, NumPy warns from 1.25"
    " on, and refuses from 2.4 on.",
    promise="the loss of the probabilities (1/2, 1/2), printed with three decimals: Loss 0.693",
    holds=lambda line: line == "Loss 0.693",
)

training_loss_of_no_network = FactErratum(
    key="training-loss-of-no-network",
    title="a training loss collected while the weights change",
    rows=("E-E6",),
    source=TRAINING,
    kind="text",
    printed="the training data's loss, summed while each phrase moves the weights",
    corrected="the training data's loss, after the epoch",
    why="Each phrase is judged by other weights, none of which are those of the test loss beside it.",
    promise="the reported loss as a share of the loss that the weights after the epoch have: 1",
    holds=lambda ratio: isclose(ratio, 1),
)

shuffle_not_seeded = FactErratum(
    key="shuffle-not-seeded",
    title="a shuffle that the seed does not reach",
    rows=("E-E9",),
    source=f"{TRAINING}; the seed in Forward propagation",
    kind="code",
    printed="numpy.random.seed(1), random.shuffle",
    corrected="random.seed(1) as well",
    why="NumPy and the standard library have a generator each. The seed fixes the weights, not the order of the"
    " phrases: no number of the log comes back.",
    promise="a second run from the seed has the phrases in the same order",
    holds=lambda order: order == "the same order",
)
