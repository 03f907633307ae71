"""Parity (A-iii): rows of bits, the exclusive or of each, and a logistic regression, which cannot tell it.

The labels of a truth table are told by a half-space no better than by a threshold on the number of ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from derivations.sources import A
from gradproof.problem import Data, Params
from gradproof.reproduction import Reproduction, Run, Statement
from implementations.regression import LOGISTIC_REGRESSION
from reproductions.figures import Figure
from reproductions.training import Array, descent, loss_and_gradients

FEATURES = (2, 3, 4, 5, 6)
ROWS = (20, 100, 1000)
PARITY_ETA, PARITY_STEPS, TABLE_STEPS = 1.0, 2000, 5000
HALF_SPACES = 20000


def random_rows(m: int, n: int, rng: np.random.Generator) -> Array:
    """m rows of n random bits."""
    return rng.integers(0, 2, (m, n)).astype(float)


def truth_table(n: int) -> Array:
    """Every row of n bits once: (2^n, n)."""
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(float)


def parity(X: Array) -> Array:
    """The exclusive or of each row: whether its number of ones is odd."""
    return X.sum(axis=1) % 2


def rows_and_labels(X: Array) -> Data:
    return {"X": X, "y": parity(X)}


def best_accuracy(n: int) -> float:
    """Of any half-space on the truth table of n bits: that of a threshold on the number of ones, at its best place."""
    return 0.5 + math.comb(n - 1, (n - 1) // 2) / 2**n


def accuracy(params: Params, data: Data) -> float:
    return float(np.mean((data["X"] @ params["w"] + params["b"] > 0) == data["y"]))


def zeros(n: int) -> Params:
    return {"w": np.zeros(n), "b": np.array(0.0)}


def trained(params: Params, data: Data, steps: int) -> tuple[float, Params]:
    """The loss after so many steps, and the parameters."""
    return next(islice(descent(LOGISTIC_REGRESSION, params, data, PARITY_ETA), steps, None))


def half_spaces(X: Array, rng: np.random.Generator) -> Array:
    """What half-spaces say of each row: random ones, and every threshold on the number of ones, a column each."""
    n = X.shape[1]
    some = X @ rng.normal(size=(n, HALF_SPACES)) + rng.normal(0, math.sqrt(n), HALF_SPACES) > 0
    above = X.sum(axis=1)[:, None] >= np.arange(n + 1)
    return np.column_stack([some, above, ~above])


def table_run(seed: int) -> Run:
    """The truth table of each n: the numbers of a list are those of FEATURES."""
    rng = np.random.default_rng(seed)
    run: dict[str, Any] = {"gradient at 0": [], "from 0": [], "from anywhere": [], "best half-space": []}
    for n in FEATURES:
        data = rows_and_labels(truth_table(n))
        anywhere = {"w": rng.normal(size=n), "b": np.array(rng.normal())}
        _, gradients = loss_and_gradients(LOGISTIC_REGRESSION, zeros(n), data)
        run["gradient at 0"].append(max(float(np.max(np.abs(gradient))) for gradient in gradients.values()))
        for name, start in ("from 0", zeros(n)), ("from anywhere", anywhere):
            run[name].append(trained(start, data, TABLE_STEPS)[0] - math.log(2))
        told = half_spaces(data["X"], rng) == data["y"][:, None]
        run["best half-space"].append(float(np.max(np.mean(told, axis=0))))
    return run


def greatest(name: str, digits: str = ".4g") -> Callable[[Sequence[Run]], str]:
    def shown(runs: Sequence[Run]) -> str:
        each = np.max([run[name] for run in runs], axis=0)
        return "; ".join(f"n={n}: {value:{digits}}" for n, value in zip(FEATURES, each, strict=True))

    return shown


PARITY_SOURCE = f"{A}, Exercise"
PARITY_TABLE = Reproduction(
    key="parity-table",
    title="logistic regression on the whole truth table of parity",
    rows=("A-iii",),
    source=PARITY_SOURCE,
    run=table_run,
    seeds=5,
    few=1,
    claims=(
        Statement(
            name="no way down from 0",
            says="At w = b = 0 the gradient is 0, and 5000 steps later the loss is still ln 2, both to the last bit.",
            holds=lambda runs: all(not any(run["gradient at 0"]) and not any(run["from 0"]) for run in runs),
            shown=greatest("gradient at 0"),
        ),
        Statement(
            name="ln 2 is the least loss",
            says="From random weights too, 5000 steps end within 1e-6 of ln 2, for the loss is convex.",
            holds=lambda runs: all(-1e-15 < gap < 1e-6 for run in runs for gap in run["from anywhere"]),
            shown=greatest("from anywhere", ".1e"),
        ),
        Statement(
            name="the best half-space",
            says="20000 random half-spaces and all thresholds on the number of ones tell at best"
            " 1/2 + C(n-1, floor((n-1)/2)) / 2^n of the rows, which is reached.",
            holds=lambda runs: all(run["best half-space"] == [best_accuracy(n) for n in FEATURES] for run in runs),
            shown=greatest("best half-space"),
        ),
    ),
    chosen="XOR of more than two columns as parity; eta 1, 5000 steps.",
)


def random_rows_run(seed: int) -> Run:
    rng = np.random.default_rng(seed)
    run: dict[str, Any] = {}
    for n in FEATURES:
        table = rows_and_labels(truth_table(n))
        for m in ROWS:
            data = rows_and_labels(random_rows(m, n, rng))
            loss, params = trained(zeros(n), data, PARITY_STEPS)
            run[f"loss, {m} x {n}"] = loss
            run[f"accuracy, {m} x {n}"] = accuracy(params, data)
            run[f"accuracy on the table, {m} x {n}"] = accuracy(params, table)
            run[f"majority, {m} x {n}"] = float(max(np.mean(data["y"]), 1 - np.mean(data["y"])))
    return run


def all_of(runs: Sequence[Run], name: str, m: int, n: int) -> list[float]:
    return [run[f"{name}, {m} x {n}"] for run in runs]


def spans(runs: Sequence[Run], name: str, m: int) -> str:
    each = ((n, all_of(runs, name, m, n)) for n in FEATURES)
    return "; ".join(f"n={n}: {np.median(values):.3f} [{min(values):.3f}, {max(values):.3f}]" for n, values in each)


def medians(runs: Sequence[Run], n: int) -> list[float]:
    return [float(np.median(all_of(runs, "accuracy", m, n))) for m in ROWS]


MANY = ROWS[-1]
PARITY_ROWS = Reproduction(
    key="parity-random-rows",
    title="logistic regression on random rows and their parity",
    rows=("A-iii",),
    source=PARITY_SOURCE,
    run=random_rows_run,
    seeds=20,
    few=4,
    claims=(
        Statement(
            name="nothing is learned from many rows",
            says="With 1000 rows the loss ends within .01 of ln 2, for every n.",
            holds=lambda runs: all(
                abs(loss - math.log(2)) < 0.01 for n in FEATURES for loss in all_of(runs, "loss", MANY, n)
            ),
            shown=lambda runs: spans(runs, "loss", MANY),
        ),
        Statement(
            name="no better than a half-space",
            says="On the whole table what was learned is never better than the best half-space.",
            holds=lambda runs: all(
                max(all_of(runs, "accuracy on the table", m, n)) <= best_accuracy(n) for m in ROWS for n in FEATURES
            ),
            shown=lambda runs: spans(runs, "accuracy on the table", MANY),
        ),
        Statement(
            name="accuracy near the majority's",
            says="With 1000 rows the accuracy ends within .1 of the share of the commoner label.",
            holds=lambda runs: all(
                abs(run[f"accuracy, {MANY} x {n}"] - run[f"majority, {MANY} x {n}"]) < 0.1
                for run in runs
                for n in FEATURES
            ),
            shown=lambda runs: spans(runs, "accuracy", MANY),
            expected="no",
            because="The weights end near 0, on whichever side the few more rows of one kind have drawn them.",
        ),
        Statement(
            name="few rows are fitted by chance",
            says="The median accuracy on the rows falls from 20 rows to 100 and to 1000, for every n.",
            holds=lambda runs: all(sorted(medians(runs, n), reverse=True) == medians(runs, n) for n in FEATURES),
            shown=lambda runs: "; ".join(
                f"n={n}: " + ", ".join(f"{value:.3f}" for value in medians(runs, n)) for n in FEATURES
            ),
            few=False,
        ),
    ),
    chosen="XOR of n columns as parity; rows of uniform bits; w = b = 0, eta 1, 2000 steps; a threshold of 1/2.",
)

# Plots ---------------------------------------------------------------------------------------------------------------


def draw_parity(figure: Any, runs: Mapping[str, Sequence[Run]]) -> None:
    axes = figure.subplots()
    found = runs["parity-random-rows"]
    for k, m in enumerate(ROWS):
        each = [all_of(found, "accuracy", m, n) for n in FEATURES]
        middle = np.median(each, axis=1)
        reach = [middle - np.min(each, axis=1), np.max(each, axis=1) - middle]
        axes.errorbar(np.array(FEATURES) + 0.12 * (k - 1), middle, reach, fmt="o", capsize=3, label=f"{m} random rows")
    bounds = [best_accuracy(n) for n in FEATURES]
    axes.plot(FEATURES, bounds, "k_", markersize=28, label="best half-space on the whole table")
    axes.set(xlabel="columns n", ylabel="accuracy on the rows", title="parity: median and span", xticks=FEATURES)
    axes.set_ylim(0.1, 1)
    axes.legend(loc="lower center", ncols=2)


PARITY_ACCURACY = Figure(
    key="parity-accuracy",
    alt="Accuracy on random rows by number of columns and of rows: the more rows, the nearer to one half.",
    needs=("parity-random-rows",),
    draw=draw_parity,
)
