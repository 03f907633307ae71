"""Mistakes around the sentiment network, as code: what is printed, and what it should be."""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from gradproof.errata import Demonstration
from gradproof.problem import Params
from implementations.activations import softmax
from implementations.errata.outcomes import outcome
from implementations.recurrent import TANH, WithLoss, at_last_step, class_cross_entropy
from implementations.regression import gradient_descent_step

Array = np.ndarray

# Softmax and loss ----------------------------------------------------------------------------------------------------

LARGE = np.array([1000.0, 0.0])


def softmax_unshifted(o: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):  # the mistake itself
        e = np.exp(o)
        return e / np.sum(e)


SOFTMAX_OVERFLOW = Demonstration(
    key="softmax-overflow",
    printed=lambda: tuple(map(float, softmax_unshifted(LARGE))),
    corrected=lambda: tuple(map(float, softmax(LARGE))),
)

LOGITS, CLASS = np.log([0.2, 0.2, 0.6]), 0


def negative_logarithm(p: float) -> float:
    return float(np.log(1 / p))


SOFTMAX_OF_ONE_NUMBER = Demonstration(
    key="softmax-of-one-number",
    printed=lambda: negative_logarithm(softmax(LOGITS[CLASS : CLASS + 1])[0]),
    corrected=lambda: negative_logarithm(softmax(LOGITS)[CLASS]),
)

# What is printed beside what is run ----------------------------------------------------------------------------------


def untrained_probabilities() -> Array:
    """(4080, 2): for "i am very good" from the seeded weights, for each order of the words in which good is word 0."""
    normal = np.random.RandomState(1).randn  # the generator that the seed was for
    W, U, V = normal(64, 64) / 1000, normal(64, 18) / 1000, normal(2, 64) / 1000
    others = np.array(list(itertools.permutations(range(1, 18), 3)))
    h = np.zeros((len(others), 64))
    for word in (*others.T, np.zeros(len(others), dtype=int)):
        h = np.tanh(h @ W.T + U.T[word])
    return softmax(h @ V.T)


def orders_that_give(*digits: float) -> int:
    return int(np.sum(np.all(np.round(untrained_probabilities(), 8) == digits, axis=1)))


UNTRAINED_OUTPUT_COMMENT = Demonstration(
    key="untrained-output-comment",
    printed=lambda: orders_that_give(0.50000095, 0.49999905),
    corrected=lambda: orders_that_give(0.49999766, 0.50000234),
)


def after_all_cells(*, made_again: bool) -> str:
    """What the backward pass of the object comes to when its class is defined again, with that pass, behind it."""
    cls = type("RNN", (), {})
    rnn = cls()
    cls = type("RNN", (), {"backprop": lambda self: "gradients"})
    if made_again:
        rnn = cls()
    return outcome(lambda: rnn.backprop())


CELLS_IN_ORDER = Demonstration(
    key="cells-in-order",
    printed=lambda: after_all_cells(made_again=False),
    corrected=lambda: after_all_cells(made_again=True),
)

# Backward pass and training ------------------------------------------------------------------------------------------


def upstream_after_clipping(*, in_place: bool) -> tuple[float, ...]:
    """The caller's gradient by the output after the bias's gradient was made from it."""
    d_y = np.array([3.0, -2.0])
    d_by = d_y
    np.clip(d_by, -1, 1, out=d_by if in_place else None)
    return tuple(map(float, d_y))


GRADIENT_CLIPPED_IN_PLACE = Demonstration(
    key="gradient-clipped-in-place",
    printed=lambda: upstream_after_clipping(in_place=True),
    corrected=lambda: upstream_after_clipping(in_place=False),
)


def printed_loss(*, as_number: bool) -> str:
    """The line with the loss of one phrase, the probabilities being a column as they are after a forward pass."""
    probs, target = np.array([[0.5], [0.5]]), 1
    loss = 0 - np.log(probs[target, 0] if as_number else probs[target])
    with warnings.catch_warnings():
        warnings.filterwarnings("error", category=DeprecationWarning)  # what older NumPy gives in place of the error
        try:
            return outcome(lambda: "Loss %.3f" % loss)  # noqa: UP031 (it is the printed formatting that fails)
        except DeprecationWarning as warning:
            return f"DeprecationWarning: {warning}"


LOSS_OF_SHAPE_ONE = Demonstration(
    key="loss-of-shape-one",
    printed=lambda: printed_loss(as_number=False),
    corrected=lambda: printed_loss(as_number=True),
)


def epoch(params: Params, *, learn: bool) -> tuple[float, Params]:
    """The loss of four phrases, one after the other, and the parameters, which each phrase moves if they learn."""
    words, code, loss = np.eye(3), WithLoss(TANH, at_last_step(class_cross_entropy)), 0.0
    for indices, label in (([0], 1), ([1], 0), ([2, 0], 0), ([2, 1], 1)):
        phrase = {"x": words[indices], "label": label}
        of_phrase, cache = code.forward(params, phrase)
        loss += float(of_phrase)
        if learn:
            params = gradient_descent_step(params, code.backward(params, phrase, cache), eta=0.1)
    return loss, params


def reported_over_loss(*, while_learning: bool) -> float:
    """The loss reported for an epoch, as a share of the loss of the weights that it ends with."""
    rng = np.random.default_rng(0)
    shapes = {"W": (4, 4), "U": (4, 3), "b": (4,), "V": (2, 4), "c": (2,)}
    reported, params = epoch({name: rng.normal(size=shape) for name, shape in shapes.items()}, learn=True)
    if not while_learning:
        reported, _ = epoch(params, learn=False)
    return reported / epoch(params, learn=False)[0]


TRAINING_LOSS_OF_NO_NETWORK = Demonstration(
    key="training-loss-of-no-network",
    printed=lambda: reported_over_loss(while_learning=True),
    corrected=lambda: reported_over_loss(while_learning=False),
)


@contextmanager
def generators_given_back() -> Iterator[None]:
    """The global generators of NumPy and of the standard library, afterwards as they were before."""
    states = np.random.get_state(), random.getstate()  # noqa: NPY002 (the global generator is the subject)
    try:
        yield
    finally:
        np.random.set_state(states[0])  # noqa: NPY002
        random.setstate(states[1])


def order_of_phrases(*, seed_both: bool) -> list[int]:
    np.random.seed(1)  # noqa: NPY002
    if seed_both:
        random.seed(1)
    phrases = list(range(58))
    random.shuffle(phrases)
    return phrases


def order_of_second_run(*, seed_both: bool) -> str:
    with generators_given_back():
        first, second = order_of_phrases(seed_both=seed_both), order_of_phrases(seed_both=seed_both)
    return "the same order" if first == second else "another order"


SHUFFLE_NOT_SEEDED = Demonstration(
    key="shuffle-not-seeded",
    printed=lambda: order_of_second_run(seed_both=False),
    corrected=lambda: order_of_second_run(seed_both=True),
)
