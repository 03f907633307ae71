"""What the word networks share (B-ii, B-iii): a network is to spell a word back from its first letter.

The document trains nn.RNN and nn.Linear in float32. Here each setting is run twice from the same weights: on the
verified network and optimizers, in NumPy and float64, and as in the document, where PyTorch is installed. The printed
numbers are claimed of both, for they are about a network and an update rule, not about who computes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from gradproof.errors import NotRun
from gradproof.problem import Data, Params
from gradproof.reproduction import PrintedNumber, Reproduction, Run, Statement
from implementations.optimizers import AdaGrad, Adam, RMSprop
from implementations.recurrent import TANH, WithLoss, softmax_cross_entropy
from reproductions.training import Array, Training, one_hot, thinned

# The network ---------------------------------------------------------------------------------------------------------


def mean_cross_entropy(outputs: Array, data: Data) -> tuple[Any, Array]:
    """The cross-entropy averaged over the steps, as nn.CrossEntropyLoss takes it."""
    loss, nabla_outputs = softmax_cross_entropy(outputs, data)
    return loss / len(outputs), nabla_outputs / len(outputs)


@dataclass(frozen=True)
class TwoBiases:
    """The network as nn.RNN has it: the states' bias b is the sum of two parameters, b_ih and b_hh, each trained."""

    one: Any

    def forward(self, params: Params, data: Data) -> Any:
        return self.one.forward(summed(params), data)

    def backward(self, params: Params, data: Data, cache: Any) -> Params:
        gradients = dict(self.one.backward(summed(params), data, cache))
        b = gradients.pop("b")
        return {**gradients, "b_ih": b, "b_hh": b.copy()}


NETWORK = TwoBiases(WithLoss(TANH, mean_cross_entropy))


def summed(params: Params) -> Params:
    others = {name: theta for name, theta in params.items() if name not in ("b_ih", "b_hh")}
    return {**others, "b": params["b_ih"] + params["b_hh"]}


def weights(rng: np.random.Generator, letters: int, hidden: int) -> Params:
    """Everything uniform in ±1/sqrt(hidden), biases too: how nn.RNN and nn.Linear start."""
    shapes = {
        "U": (hidden, letters),
        "W": (hidden, hidden),
        "b_ih": (hidden,),
        "b_hh": (hidden,),
        "V": (letters, hidden),
        "c": (letters,),
    }
    bound = 1 / np.sqrt(hidden)
    return {name: rng.uniform(-bound, bound, shape) for name, shape in shapes.items()}


# Training, twice -----------------------------------------------------------------------------------------------------


@dataclass
class Trained:
    """The loss of each epoch, before its step, and the logits after the last of some letters, (t, letters) one-hot."""

    losses: list[float]
    logits: Callable[[Array], Array]


def in_numpy(codes: Array, params: Params, optimizer: Any, epochs: int) -> Trained:
    training = Training(NETWORK, optimizer, params)
    losses = [training.step({"x": codes[:-1], "y": codes[1:]})[0] for _ in range(epochs)]
    return Trained(losses, lambda seen: TANH.forward(summed(training.params), {"x": seen})[0][-1])


def in_torch(codes: Array, params: Params, optimizer: Any, epochs: int) -> Trained:
    try:
        import torch
    except ImportError:
        raise NotRun("PyTorch is not installed") from None
    rnn = torch.nn.RNN(codes.shape[1], len(params["W"]), batch_first=True)
    linear = torch.nn.Linear(len(params["W"]), codes.shape[1])
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(torch.tensor(params["U"]))
        rnn.weight_hh_l0.copy_(torch.tensor(params["W"]))
        rnn.bias_ih_l0.copy_(torch.tensor(params["b_ih"]))
        rnn.bias_hh_l0.copy_(torch.tensor(params["b_hh"]))
        linear.weight.copy_(torch.tensor(params["V"]))
        linear.bias.copy_(torch.tensor(params["c"]))
    x = torch.tensor(codes, dtype=torch.float32)[None]
    target = x[0, 1:].argmax(dim=1)
    criterion = torch.nn.CrossEntropyLoss()
    theirs = torch_optimizer(optimizer, [*rnn.parameters(), *linear.parameters()])
    losses = []
    for _ in range(epochs):
        theirs.zero_grad()
        loss = criterion(linear(rnn(x[:, :-1])[0][0]), target)
        loss.backward()
        theirs.step()
        losses.append(loss.item())

    def logits(seen: Array) -> Array:
        with torch.no_grad():
            return linear(rnn(torch.tensor(seen, dtype=torch.float32)[None])[0][0, -1]).numpy()

    return Trained(losses, logits)


def torch_optimizer(optimizer: Any, parameters: Sequence[Any]) -> Any:
    """torch.optim's optimizer with the hyperparameters of ours."""
    import torch

    kinds = {Adam: torch.optim.Adam, AdaGrad: torch.optim.Adagrad, RMSprop: torch.optim.RMSprop}
    options = asdict(optimizer)
    if isinstance(optimizer, Adam):
        options["betas"] = options.pop("beta1"), options.pop("beta2")
    return kinds[type(optimizer)](parameters, **options)


Backend = Callable[[Array, Params, Any, int], Trained]
BACKENDS: Mapping[str, Backend] = {"NumPy": in_numpy, "PyTorch": in_torch}


def train(backend: Backend, word: str, seed: int, hidden: int, optimizer: Any, epochs: int) -> tuple[list[float], str]:
    """The loss of each epoch, and the word that the network spells afterwards."""
    codes, letters = one_hot(word)
    params = weights(np.random.default_rng(seed), len(letters), hidden)
    trained = backend(codes, params, optimizer, epochs)
    return trained.losses, spelt(trained.logits, word[0], letters, len(word))


def spelt(logits: Callable[[Array], Array], first: str, letters: Sequence[str], length: int) -> str:
    """Greedy decoding: all letters so far go in, the likeliest next one is appended."""
    word, codes = first, np.eye(len(letters))
    while len(word) < length:
        seen = codes[[letters.index(letter) for letter in word]]
        word += letters[int(np.argmax(logits(seen)))]
    return word


def epochs_to(losses: Sequence[float], level: float) -> float:
    """The first epoch, from 1, whose loss is below a level; infinity if there is none."""
    return next((float(epoch) for epoch, loss in enumerate(losses, 1) if loss < level), math.inf)


# What is claimed -----------------------------------------------------------------------------------------------------

Settings = Mapping[str, tuple[int, Any]]
"""Name -> hidden size and optimizer."""
Verdicts = Mapping[str, tuple[str, str]]
"""Name of a printed number -> what is expected of it, and why, where that is not "holds"."""

CONVERGED = 5e-5
"""Below it the document's log prints a loss as 0.0000."""
SHOWN = 50
"""How many losses of a run are kept for plots."""


def run_of(word: str, epochs: int, settings: Settings, log: Iterable[int] = ()) -> Callable[[Backend], Any]:
    """The run of a seed, once a backend is given. log: epochs whose loss is kept, of the first setting."""

    def on(backend: Backend) -> Callable[[int], Run]:
        def run(seed: int) -> Run:
            found: dict[str, Any] = {}
            for name, (hidden, optimizer) in settings.items():
                losses, word_back = train(backend, word, seed, hidden, optimizer, epochs)
                if not found:
                    found = {f"loss at epoch {epoch}": losses[epoch - 1] for epoch in log}
                found[f"loss at {name}"], found[f"word at {name}"] = losses[-1], word_back
                found[f"epoch below 5e-5 at {name}"] = epochs_to(losses, CONVERGED)
                found[f"losses at {name}"] = thinned(losses, epochs // SHOWN)
            return found

        return run

    return on


def printed_numbers(
    printed: Mapping[str, str], verdicts: Verdicts | None = None, rows: tuple[str, ...] = ()
) -> tuple[PrintedNumber, ...]:
    return tuple(
        PrintedNumber(value=value, printed=digits, expected=expected, because=because, rows=rows)
        for value, digits in printed.items()
        for expected, because in [(verdicts or {}).get(value, ("holds", ""))]
    )


def comes_back(word: str, setting: str, least: float) -> Statement:
    """The network spells the word in at least this share of the runs."""
    times = f"{least:.0%} of the runs or more" if least < 1 else "every run"
    return Statement(
        name=f"the word comes back at {setting}",
        says=f"Given {word[0]!r}, the trained network spells {word!r} in {times}.",
        holds=lambda runs: share(runs, setting, word) >= least,
        shown=lambda runs: f"{share(runs, setting, word):.0%} of {len(runs)} runs",
    )


def share(runs: Sequence[Run], setting: str, word: str) -> float:
    return sum(found[f"word at {setting}"] == word for found in runs) / len(runs)


def larger_is_better(sizes: Sequence[int], expected: str, because: str = "") -> Statement:
    def medians(runs: Sequence[Run]) -> list[float]:
        return [float(np.median([found[f"loss at hidden {size}"] for found in runs])) for size in sizes]

    return Statement(
        name="a larger hidden layer has the lower loss",
        says="The median loss falls by a tenth or more with each larger hidden layer.",
        holds=lambda runs: all(after <= 0.9 * before for before, after in pairwise(medians(runs))),
        shown=lambda runs: ", ".join(f"{loss:.2g} ({size})" for loss, size in zip(medians(runs), sizes, strict=True)),
        expected=expected,
        because=because,
        rows=("B-ii", "B-E7"),
        few=False,
    )


def in_both(
    key: str, *, title: str, run: Callable[[Backend], Any], few: tuple[int, int], **fields: Any
) -> tuple[Reproduction, Reproduction]:
    """The record in NumPy under its key, and in PyTorch under the key with -torch. few: of each."""
    ours, theirs = (run(BACKENDS[name]) for name in ("NumPy", "PyTorch"))
    return (
        Reproduction(key=key, title=f"{title}, in NumPy", run=ours, few=few[0], **fields),
        Reproduction(key=f"{key}-torch", title=f"{title}, in PyTorch", run=theirs, few=few[1], **fields),
    )


# Plots ---------------------------------------------------------------------------------------------------------------

DRAWN = 12
"""Seeds of a record that a plot shows."""
FLOOR = 1e-9
"""Where a plot ends below: a loss can round to 0."""


def draw_table(
    figure: Any, runs: Mapping[str, Sequence[Run]], tables: Mapping[str, tuple[str, Mapping[str, str]]], epochs: int
) -> None:
    """A panel for each record, a colour for each of its printed losses, which is a dot, and a line for each seed.

    tables: key of a record -> title of its panel, printed losses by name.
    """
    figure.set_size_inches(3.4 * len(tables), 4)
    panels = figure.subplots(1, len(tables), sharey=True)
    for axes, (key, (title, printed)) in zip(panels, tables.items(), strict=True):
        for k, (name, loss) in enumerate(printed.items()):
            setting = name.removeprefix("loss at ")
            axes.plot([], [], color=f"C{k}", label=setting)
            for found in runs[key][:DRAWN]:
                losses = np.maximum(found[f"losses at {setting}"], FLOOR)
                at = epochs / len(losses) * np.arange(1, len(losses) + 1)
                axes.semilogy(at, losses, color=f"C{k}", alpha=0.5, linewidth=1)
            if float(loss) > 0:
                axes.plot(epochs, float(loss), "o", color=f"C{k}", markeredgecolor="k", zorder=3, clip_on=False)
        axes.set(xlabel="epoch", title=title)
        axes.legend()
    panels[0].set_ylabel("cross-entropy per letter")
