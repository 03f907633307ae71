"""Linear regression: a line through 5 and through 23 points, written in four ways (D-ii), and two features (D-iv)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from derivations.sources import D
from gradproof.errors import NotRun
from gradproof.problem import Params
from gradproof.reproduction import Reproduction, Run, Statement
from implementations.datasets import FIVE_POINTS, FIVE_SUBJECTS, TWENTY_THREE_POINTS
from implementations.regression import (
    LINEAR_REGRESSION,
    MULTIPLE_LINEAR_REGRESSION,
    linear_regression_gradients,
)
from reproductions.figures import Figure
from reproductions.training import Array, descent

SOURCE = f"{D}, Linear regression"
ETA, EPOCHS = 0.001, 100


POINTS = {
    name: (points["x"], points["y"]) for name, points in (("5 points", FIVE_POINTS), ("23 points", TWENTY_THREE_POINTS))
}
"""Name -> x, y."""

# The four ways: (x, y) -> the loss before each epoch, and w, b and the loss after the last ---------------------------

Way = Callable[[Array, Array], tuple[list[float], list[float]]]


def loop(x: Array, y: Array) -> tuple[list[float], list[float]]:
    """Gradient descent on the verified gradient."""
    params = {"w": np.array(1.0), "b": np.array(1.0)}
    steps = list(islice(descent(LINEAR_REGRESSION, params, {"x": x, "y": y}, ETA), EPOCHS + 1))
    loss, last = steps[-1]
    return [loss for loss, _ in steps[:-1]], [float(last["w"]), float(last["b"]), loss]


class RegressionModel:
    """A line that holds its parameters and their gradients: the document's class, with the verified gradient."""

    def __init__(self) -> None:
        self.params: Params = {"w": np.array(1.0), "b": np.array(1.0)}
        self.reset_grad()

    def forward(self, x: Array) -> Array:
        return self.params["w"] * x + self.params["b"]

    def criterion(self, y: Array, yp: Array) -> float:
        return float(np.mean((yp - y) ** 2))

    def backward(self, x: Array, y: Array) -> None:
        """Add to the gradients, as PyTorch does."""
        for name, gradient in linear_regression_gradients(self.params, {"x": x, "y": y}).items():
            self.gradients[name] = self.gradients[name] + gradient

    def update(self, eta: float) -> None:
        self.params = {name: theta - eta * self.gradients[name] for name, theta in self.params.items()}

    def reset_grad(self) -> None:
        """The gradients back to 0; the parameters stay."""
        self.gradients = {name: np.zeros_like(theta) for name, theta in self.params.items()}


def by_class(x: Array, y: Array) -> tuple[list[float], list[float]]:
    model, losses = RegressionModel(), []
    for _ in range(EPOCHS):
        losses.append(model.criterion(y, model.forward(x)))
        model.backward(x, y)
        model.update(ETA)
        model.reset_grad()
    return losses, [*map(float, model.params.values()), model.criterion(y, model.forward(x))]


def by_module(x: Array, y: Array, batch: int | None = None) -> tuple[list[float], list[float]]:
    """nn.Module with two parameters, Dataset, DataLoader and SGD; all rows at once unless a batch size is given."""
    torch = imported()

    class Line(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w, self.b = (torch.nn.Parameter(torch.ones(1)) for _ in range(2))

        def forward(self, x: Any) -> Any:
            return self.w * x + self.b

    class Pairs(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return len(x)

        def __getitem__(self, k: int) -> Any:
            return torch.tensor(x[k], dtype=torch.float32), torch.tensor(y[k], dtype=torch.float32)

    model = Line()
    loader = torch.utils.data.DataLoader(Pairs(), batch_size=batch or len(x))
    return in_torch(model, loader, x, y)


def by_linear(x: Array, y: Array) -> tuple[list[float], list[float]]:
    """nn.Linear, its weight and bias set to 1."""
    torch = imported()
    model = torch.nn.Linear(1, 1)
    torch.nn.init.ones_(model.weight)
    torch.nn.init.ones_(model.bias)
    columns = [torch.tensor(values, dtype=torch.float32)[:, None] for values in (x, y)]
    return in_torch(model, [columns], x[:, None], y[:, None])


def in_torch(model: Any, batches: Any, x: Array, y: Array) -> tuple[list[float], list[float]]:
    """Train on the batches of each epoch; the losses are those of all rows."""
    torch = imported()
    criterion, optimizer = torch.nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=ETA)
    all_x, all_y = (torch.tensor(values, dtype=torch.float32) for values in (x, y))

    def loss_of_all() -> float:
        with torch.no_grad():
            return criterion(model(all_x), all_y).item()

    losses = []
    for _ in range(EPOCHS):
        losses.append(loss_of_all())
        for x_batch, y_batch in batches:
            optimizer.zero_grad()
            criterion(model(x_batch), y_batch).backward()
            optimizer.step()
    return losses, [*(theta.item() for theta in model.parameters()), loss_of_all()]


def imported() -> Any:
    try:
        import torch
    except ImportError:
        raise NotRun("PyTorch is not installed") from None
    return torch


NUMPY_WAYS: Mapping[str, Way] = {"loop": loop, "class": by_class}
TORCH_WAYS: Mapping[str, Way] = {"nn.Module": by_module, "nn.Linear": by_linear}

# In NumPy (D-ii) -----------------------------------------------------------------------------------------------------


def least_squares(X: Array, y: Array) -> tuple[Array, float]:
    """The weights, the bias last, and the mean squared error of the best plane through the rows of X (m, n)."""
    columns = np.column_stack([X, np.ones(len(y))])
    solution, *_ = np.linalg.lstsq(columns, y)
    return solution, float(np.mean((columns @ solution - y) ** 2))


def largest_stable_eta(X: Array) -> float:
    """2 by the greatest curvature of the mean squared error."""
    columns = np.column_stack([X, np.ones(len(X))])
    return float(2 / np.linalg.eigvalsh(2 / len(X) * columns.T @ columns)[-1])


def trained(ways: Mapping[str, Way]) -> dict[str, Any]:
    run: dict[str, Any] = {}
    for points, (x, y) in POINTS.items():
        for name, way in ways.items():
            run[f"losses, {name}, {points}"], run[f"end, {name}, {points}"] = way(x, y)
    return run


def numpy_run(seed: int) -> Run:
    run = trained(NUMPY_WAYS)
    for points, (x, y) in POINTS.items():
        (w, b), loss = least_squares(x[:, None], y)
        run[f"least squares, {points}"] = [float(w), float(b), loss]
        run[f"largest stable eta, {points}"] = largest_stable_eta(x[:, None])
    return run


def ends(run: Run, names: Sequence[str]) -> str:
    """w, b and the loss at the end of each."""
    return "; ".join(
        f"{name}, {points}: " + "w {:.6g}, b {:.6g}, loss {:.6g}".format(*run[f"{name}, {points}"])
        for points in POINTS
        for name in names
    )


def short_of_least_squares(run: Run) -> bool:
    """The slope is within a tenth of the best one, the bias is not."""
    found = [(run[f"end, loop, {points}"], run[f"least squares, {points}"]) for points in POINTS]
    return all(abs(end[0] / best[0] - 1) < 0.1 < abs(end[1] / best[1] - 1) for end, best in found)


LINE = Reproduction(
    key="line",
    title="a line through 5 and through 23 points, in NumPy",
    rows=("D-ii",),
    source=SOURCE,
    run=numpy_run,
    claims=(
        Statement(
            name="loop and class agree",
            says="A loop and a class with forward, update, reset_grad and criterion give the same losses, bit by bit.",
            holds=lambda runs: all(
                run[f"{what}, loop, {points}"] == run[f"{what}, class, {points}"]
                for run in runs
                for what in ("losses", "end")
                for points in POINTS
            ),
            shown=lambda runs: ends(runs[0], ["end, loop", "end, class"]),
        ),
        Statement(
            name="the loss falls at every epoch",
            says="eta .001 is below the largest stable one, and the loss falls from each epoch to the next.",
            holds=lambda runs: all(
                run[f"largest stable eta, {points}"] > ETA and np.all(np.diff(run[f"losses, loop, {points}"]) < 0)
                for run in runs
                for points in POINTS
            ),
            shown=lambda runs: "; ".join(
                f"{points}: stable up to {runs[0][f'largest stable eta, {points}']:.5f}, losses "
                + ", ".join(f"{loss:.6g}" for loss in runs[0][f"losses, loop, {points}"][:3])
                for points in POINTS
            ),
        ),
        Statement(
            name="100 epochs are not least squares",
            says="After 100 epochs the slope is within a tenth of the best line's, and the bias is not.",
            holds=lambda runs: all(map(short_of_least_squares, runs)),
            shown=lambda runs: ends(runs[0], ["end, loop", "least squares"]),
        ),
    ),
    chosen="w = b = 1 for the 23 points as for the 5. No loss is printed.",
)

# In PyTorch (D-ii) ---------------------------------------------------------------------------------------------------

IN_TURN = "one row a step"


def torch_run(seed: int) -> Run:
    run = trained({"loop": loop, **TORCH_WAYS})
    return {**run, **trained({IN_TURN: partial(by_module, batch=1)})}


def furthest(run: Run, name: str) -> tuple[float, float]:
    """The largest relative distances of a way's losses, and of its w and b, from the loop's."""

    def apart(a: Any, b: Any) -> float:
        return float(np.max(np.abs(np.array(a) / np.array(b) - 1)))

    losses = [apart(run[f"losses, {name}, {points}"], run[f"losses, loop, {points}"]) for points in POINTS]
    lines = [apart(run[f"end, {name}, {points}"][:2], run[f"end, loop, {points}"][:2]) for points in POINTS]
    return max(losses), max(lines)


LINE_TORCH = Reproduction(
    key="line-torch",
    title="a line through 5 and through 23 points, in PyTorch",
    rows=("D-ii",),
    source=SOURCE,
    run=torch_run,
    claims=(
        Statement(
            name="all ways agree",
            says="In float32, nn.Module with a DataLoader of all rows, and nn.Linear, give the loop's w and b to 1e-6"
            " of their size, and its losses to 1e-5 of theirs.",
            holds=lambda runs: all(
                losses < 1e-5 and line < 1e-6
                for run in runs
                for losses, line in [furthest(run, way) for way in TORCH_WAYS]
            ),
            shown=lambda runs: "; ".join(
                "{}: losses {:.1e}, w and b {:.1e}".format(way, *furthest(runs[0], way)) for way in TORCH_WAYS
            ),
        ),
        Statement(
            name="the batch size matters",
            says="A DataLoader that hands out one row a time, in order, ends more than 1 % away.",
            holds=lambda runs: all(furthest(run, IN_TURN)[1] > 0.01 for run in runs),
            shown=lambda runs: ends(runs[0], [f"end, {IN_TURN}"]),
        ),
    ),
    chosen="Batches of all rows, not shuffled: the document asks for a DataLoader and names no batch size.",
)

# Two features (D-iv) -------------------------------------------------------------------------------------------------

ASKED = np.array([3.0, 2.0])
RATES = {0.001: (100, 1000, 10000, 60000), 0.01: (100, 1000, 6000)}
"""eta -> the numbers of epochs after which the prediction is looked at."""
CLOSE = 1e-4


def two_features_run(seed: int) -> Run:
    (w1, w2, b), loss = least_squares(*FIVE_SUBJECTS.values())
    best = float(np.array([w1, w2]) @ ASKED + b)
    run: dict[str, Any] = {
        "least squares": [float(w1), float(w2), float(b), loss],
        "prediction": best,
        "largest stable eta": largest_stable_eta(FIVE_SUBJECTS["X"]),
    }
    for eta, looked in RATES.items():
        start = {"w": np.ones(2), "b": np.array(1.0)}
        steps = islice(descent(MULTIPLE_LINEAR_REGRESSION, start, FIVE_SUBJECTS, eta), max(looked) + 1)
        predictions = np.array([float(ASKED @ params["w"] + params["b"]) for _, params in steps])
        run[f"predictions, eta {eta}"] = predictions[list(looked)].tolist()
        run[f"close for good, eta {eta}"] = last_far(np.abs(predictions - best)) + 1
    return run


def last_far(distances: Array) -> int:
    """The last epoch that is not close."""
    return int(np.flatnonzero(distances >= CLOSE)[-1])


def nears(run: Run) -> bool:
    return all(
        np.all(np.diff(np.abs(np.array(run[f"predictions, eta {eta}"]) - run["prediction"])) < 0)
        and run[f"close for good, eta {eta}"] <= max(looked)
        for eta, looked in RATES.items()
    )


TWO_FEATURES_LINE = Reproduction(
    key="multiple-regression",
    title="two features by gradient descent, and the prediction at (3, 2)",
    rows=("D-iv",),
    source=f"{D}, Exercise Questions, 6",
    run=two_features_run,
    claims=(
        Statement(
            name="the prediction tends to that of least squares",
            says="With eta .001 and .01 the prediction at (3, 2) gets within 1e-4 of least squares' and stays there.",
            holds=lambda runs: all(map(nears, runs)),
            shown=lambda runs: (
                f"{runs[0]['prediction']:.5f}; "
                + "; ".join(
                    f"eta {eta}: "
                    + ", ".join(f"{p:.5f}" for p in runs[0][f"predictions, eta {eta}"])
                    + f", close from epoch {runs[0][f'close for good, eta {eta}']}"
                    for eta in RATES
                )
            ),
        ),
    ),
    chosen="w = b = 1; eta .001 as for the line, and .01. No number is printed.",
)

# Plots ---------------------------------------------------------------------------------------------------------------


def draw_lines(figure: Any, runs: Mapping[str, Sequence[Run]]) -> None:
    """The loss of each epoch, and the line after the last beside the best one."""
    figure.set_size_inches(9, 6.5)
    (run,) = runs["line"]
    for (points, (x, y)), (above, below) in zip(POINTS.items(), figure.subplots(2, 2).T, strict=True):
        above.semilogy(np.arange(1, EPOCHS + 1), run[f"losses, loop, {points}"])
        above.set(xlabel="epoch", ylabel="mean squared error", title=points)
        below.plot(x, y, "o", color="0.4", markersize=4)
        ends = np.array([x.min(), x.max()])
        for name, label in (("end, loop", "after 100 epochs"), ("least squares", "least squares")):
            w, b, _ = run[f"{name}, {points}"]
            below.plot(ends, w * ends + b, label=label)
        below.set(xlabel="x", ylabel="y")
        below.legend()


LINES = Figure(
    key="linear-regression",
    alt="Loss by epoch and the line after 100 epochs, for 5 and for 23 points: the loss falls within ten epochs and is"
    " nearly flat afterwards; the lines are close to those of least squares.",
    needs=("line",),
    draw=draw_lines,
)
