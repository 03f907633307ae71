"""Checking one point: gradproof's reference, with every entry and its bound, against torch.autograd.gradcheck.

Both check the same function at the same point: the reference traces the NumPy loss once, gradcheck differences the
PyTorch one entry by entry. Run it with ``tox run -e bench``.
"""

from dataclasses import replace

import numpy as np
import pytest

from gradproof.bound import reference
from gradproof.problem import Place
from gradproof.sampling import BUDGETS, draw_point, middle_sizes
from gradproof.verify import Check, verify
from tests.benchmarks.pairs import paired
from tests.catalogue import IMPLEMENTATIONS, both, name

torch = pytest.importorskip("torch", reason="gradcheck is PyTorch's")


def gradcheck_at(problem, point):
    """A call of gradcheck on the same function at the same point."""
    torch.set_num_threads(1)
    names = list(point.params)
    params = tuple(torch.tensor(point.params[n], dtype=torch.float64, requires_grad=True) for n in names)
    data = {
        n: torch.tensor(v, dtype=torch.float64) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v
        for n, v in point.data.items()
    }

    def loss(*values):
        return problem.autograd_loss(dict(zip(names, values, strict=True)), data)

    return lambda: torch.autograd.gradcheck(loss, params)


differenced = [formula for formula in both if formula.frozen is None]
"""gradcheck differences the loss, and would difference values that are held constant along with it."""


def verified(formula):
    """The formula's problem, gradients and middle point; a timing is published only with its verdict."""
    implementation = IMPLEMENTATIONS[formula.key]
    problem = formula.problem(implementation)
    verify(problem, implementation.gradients, budget="quick").require()
    return problem, implementation.gradients, Place.of(middle_sizes(problem))


def publish(formula, what, point, result, benchmark, show_ratio):
    entries = sum(value.size for value in point.params.values())
    benchmark.extra_info |= {
        "peer": "torch.autograd.gradcheck",
        "what": what,
        "entries": entries,
        "ratio": result.ratio,
        "iqr": result.iqr,
    }
    show_ratio(
        f"{formula.key:32s}{entries:3d} entries  {what} {result.first * 1e3:6.2f} ms  gradcheck "
        f"{result.second * 1e3:6.2f} ms  {result.ratio:5.2f}x  [{result.iqr[0]:.2f}, {result.iqr[1]:.2f}]"
    )


@pytest.mark.parametrize("formula", differenced, ids=name)
def test_reference_against_gradcheck(formula, benchmark, show_ratio):
    """The gradient with its bound: what gradcheck is for."""
    problem, _, place = verified(formula)
    point = draw_point(problem, place)
    result = paired(lambda: reference(problem, point), gradcheck_at(problem, point))
    publish(formula, "reference", point, result, benchmark, show_ratio)
    benchmark(lambda: reference(problem, point))


@pytest.mark.parametrize("formula", differenced, ids=name)
def test_whole_check_against_gradcheck(formula, benchmark, show_ratio):
    """All of a point: drawing it, the reference, a dozen calls of the code for its conduct, and four more oracles."""
    problem, gradients, place = verified(formula)
    point = draw_point(problem, place)
    check = Check(problem, gradients, BUDGETS["quick"])
    check.budget = replace(check.budget, witness_every=1)
    result = paired(lambda: check.look(place), gradcheck_at(problem, point))
    publish(formula, "all checks", point, result, benchmark, show_ratio)
    benchmark(lambda: check.look(place))
