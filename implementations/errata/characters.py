"""Mistakes of the report on character networks, as code: what is printed, and what it should be."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradproof.errata import Demonstration
from implementations.errata.outcomes import outcome, pytorch
from implementations.recurrent import TANH, WithLoss, softmax_cross_entropy
from implementations.regression import gradient_descent_step

# The network from scratch, with and without bias ---------------------------------------------------------------------

WITH_AND_WITHOUT_BIAS = (  # epochs, learning rate, loss with bias, loss without
    (1000, 0.001, 1.805, 1.712),
    (2000, 0.001, 0.531, 0.540),
    (5000, 0.001, 0.129, 0.150),
    (10000, 0.001, 0.015, 0.053),
    (5000, 0.001, 0.1413, 0.1454),
    (5000, 0.005, 0.0212, 0.0191),
    (5000, 0.012, 0.0075, 0.0070),
)


def pairs_lower_with_bias(says: str) -> tuple[str, int, int]:
    """What is said, in how many rows of the two tables the loss with bias is lower, of how many."""
    lower = sum(with_bias < without for _, _, with_bias, without in WITH_AND_WITHOUT_BIAS)
    return says, lower, len(WITH_AND_WITHOUT_BIAS)


LOSS_WITH_BIAS_LOWER = Demonstration(
    key="loss-with-bias-lower",
    printed=lambda: pairs_lower_with_bias("lower with bias"),
    corrected=lambda: pairs_lower_with_bias("no difference"),
)


def losses_printed_for(epochs: int, lr: float) -> tuple[float, ...]:
    return tuple(loss for *setting, loss, _ in WITH_AND_WITHOUT_BIAS if setting == [epochs, lr])


def loss_after(epochs: int, lr: float, seed: int) -> float:
    """Of the character network without bias, trained on a short word from the weights that a seed draws."""
    letters, n = np.eye(4), 8
    x, y = letters[[0, 1, 2, 2]], letters[[1, 2, 2, 3]]
    rng = np.random.default_rng(seed)
    params = {name: rng.normal(size=shape) / 10 for name, shape in {"W": (n, n), "U": (n, 4), "V": (4, n)}.items()}
    code, data = WithLoss(TANH, softmax_cross_entropy), {"x": x, "y": y}
    for _ in range(epochs):
        _, cache = code.forward(params, data)
        params = gradient_descent_step(params, code.backward(params, data, cache), eta=lr)
    return float(code.forward(params, data)[0])


SAME_SETTING_TWO_LOSSES = Demonstration(
    key="same-setting-two-losses",
    printed=lambda: losses_printed_for(epochs=5000, lr=0.001),
    corrected=lambda: (loss_after(epochs=100, lr=0.1, seed=0), loss_after(epochs=100, lr=0.1, seed=0)),
)

# "Acknowledgement": what the code prints -----------------------------------------------------------------------------

WORD = "Acknowledgement"
INPUT_INDICES = [7, 11, 6, 9, 4, 8, 5, 1, 10, 2, 1, 3, 1, 9]
TARGET_INDICES = [11, 0, 9, 4, 8, 5, 1, 10, 2, 1, 3, 1, 9, 6]


def places_apart(inputs: list[int]) -> int:
    """Places at which the target is not the input one place on."""
    return sum(one != other for one, other in zip(inputs[1:], TARGET_INDICES[:-1], strict=True))


def indices_by_the_target() -> list[int]:
    """The input's indices: the first letter's as printed, which the target lacks, and the target's for the others."""
    index_of = dict(zip(WORD[1:], TARGET_INDICES, strict=True))
    return [INPUT_INDICES[0], *(index_of[letter] for letter in WORD[1:-1])]


INDEX_LISTS_DISAGREE = Demonstration(
    key="index-lists-disagree",
    printed=lambda: places_apart(INPUT_INDICES),
    corrected=lambda: places_apart(indices_by_the_target()),
)
TARGET_SEQUENCE_NOT_SHIFTED = Demonstration(
    key="target-sequence-not-shifted", printed=lambda: WORD[1:-1].capitalize(), corrected=lambda: WORD[1:]
)
FIVE_DECIMALS_OF_FOUR = Demonstration(
    key="five-decimals-of-four", printed=lambda: f"{1e-5:.5f}", corrected=lambda: f"{1e-5:.4f}"
)


def some_losses() -> list[Any]:
    """Three losses as a training loop has them."""
    torch = pytorch()
    weight = torch.nn.Parameter(torch.ones(()))
    return [(weight - target) ** 2 for target in range(3)]


LOSSES_WITH_THEIR_GRAPHS = Demonstration(
    key="losses-with-their-graphs",
    printed=lambda: outcome(lambda: type(np.asarray(some_losses())).__name__),
    corrected=lambda: outcome(lambda: type(np.asarray([loss.item() for loss in some_losses()])).__name__),
)

# "edgement" ----------------------------------------------------------------------------------------------------------

LOGGED = dict.fromkeys(range(48, 100, 3), 0.0) | {72: 0.0002}
"""The log of RMSprop from the first loss that prints as 0.0000, every third epoch."""


def largest_from(epoch: int) -> float:
    return max(loss for at, loss in LOGGED.items() if at >= epoch)


CONVERGED_AT_48 = Demonstration(
    key="converged-at-48", printed=lambda: largest_from(48), corrected=lambda: largest_from(75)
)

# The optimizers in PyTorch -------------------------------------------------------------------------------------------


def one_weight() -> list[Any]:
    """Parameters for an optimizer: one weight of 0."""
    torch = pytorch()
    return [torch.nn.Parameter(torch.zeros((), dtype=torch.float64))]


def made(optimizer: str, **settings: Any) -> Any:
    """The name of an optimizer of torch.optim that is made with these settings, or the error."""
    return outcome(lambda: type(getattr(pytorch().optim, optimizer)(one_weight(), **settings)).__name__)


RMSPROP_BETAS = Demonstration(
    key="rmsprop-betas",
    printed=lambda: made("RMSprop", betas=(0.9, 0.999)),
    corrected=lambda: made("RMSprop", alpha=0.99),
)
WEIGHT_DELAY = Demonstration(
    key="weight-delay",
    printed=lambda: made("Adam", weight_delay=0),
    corrected=lambda: made("Adam", weight_decay=0),
)


def line_on_betas(beta2: float) -> str:
    """What PyTorch prints of Adam's betas."""
    optimizer = pytorch().optim.Adam(one_weight(), lr=0.01, betas=(0.9, beta2))
    return next(line.strip() for line in str(optimizer).splitlines() if "betas" in line)


ADAM_BETA2_IN_TEXT = Demonstration(
    key="adam-beta2-in-text", printed=lambda: line_on_betas(0.99), corrected=lambda: line_on_betas(0.999)
)


def first_step(optimizer: str, **settings: float) -> float:
    """How far an optimizer of torch.optim moves a weight whose gradient is 1e-8."""
    (weight,) = weights = one_weight()
    rule = getattr(pytorch().optim, optimizer)(weights, **settings)
    (weight * 1e-8).backward()
    rule.step()
    return weight.item()


def share_of_default(optimizer: str, **settings: float) -> float:
    return first_step(optimizer, **settings) / first_step(optimizer)


ADAGRAD_DEFAULTS = Demonstration(
    key="adagrad-defaults",
    printed=lambda: share_of_default("Adagrad", lr=1e-3, eps=1e-8),
    corrected=lambda: share_of_default("Adagrad", lr=1e-2, eps=1e-10),
)
RMSPROP_DEFAULT_RATE = Demonstration(
    key="rmsprop-default-rate",
    printed=lambda: share_of_default("RMSprop", lr=1e-3),
    corrected=lambda: share_of_default("RMSprop", lr=1e-2),
)
