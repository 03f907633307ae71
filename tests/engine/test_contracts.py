"""What is known of a problem and of somebody's code before it is run: names, shapes, and how arrays lie."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest

from gradproof.styles.from_problem import contract_of
from gradproof.styles.layouts import Layout, layout_of
from gradproof.styles.names import matched
from tests.catalogue import IMPLEMENTATIONS, both, name

STYLES = Path(__file__).parents[2] / "gradproof/styles"


def contract(formula):
    return contract_of(formula.problem(IMPLEMENTATIONS[formula.key]))


@pytest.mark.parametrize(
    "gradient",
    ["W", "dW", "d_W", "dWhh", "d_W_hh", "grad_W", "W_grad", "nabla_W", "dL_dW", "dL/dW", "dloss_dWhh", "gW", "dw_hh"],
)
def test_the_gradient_of_a_parameter_is_known_by_its_name(gradient):
    wanted = {"W": ("W", "Whh"), "V": ("V", "Why"), "b": ("b", "bh")}
    assert matched(wanted, [gradient, "dV", "db"], gradients=True) == {"W": gradient, "V": "dV", "b": "db"}


def test_a_closer_name_goes_first():
    assert matched({"b": ("b", "bh"), "c": ("c", "by")}, ["bh", "b", "by"]) == {"b": "b", "c": "by"}


# What is known of a problem ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", both, ids=name)
def test_the_shapes_are_those_of_the_derivation(formula):
    shapes = contract(formula).shapes
    for key, (_, axes) in formula.system().inputs.items():
        lengths = tuple(str(last - first + 1) for first, last in axes)
        assert shapes.get(key, ()) == lengths


def test_the_example_is_cut_to_what_the_code_can_do():
    (formula,) = (formula for formula in both if formula.key == "rnn-tanh")
    params, data, upstream = contract(formula).values({"m": 1})
    assert [params["V"].shape[0], params["c"].shape[0], upstream.shape[-1]] == [1, 1, 1]
    assert len({*params["U"].shape, *data["x"].shape}) == 3


SIZES = {"n": 5, "d": 4, "m": 3}


@pytest.mark.parametrize(
    ("shape", "axes", "layout"),
    [
        ((5, 4), ("n", "d"), Layout((0, 1), 2)),
        ((4, 5), ("n", "d"), Layout((1, 0), 2)),
        ((5, 1), ("n",), Layout((0, None), 1)),
        ((1, 5), ("n",), Layout((None, 0), 1)),
        ((5,), ("m", "n"), Layout((1,), 2)),
        ((1,), (), Layout((None,), 0)),
        ((6,), ("n",), None),
    ],
)
def test_a_layout_is_told_by_its_shape_and_undone(shape, axes, layout):
    assert layout_of(shape, axes, SIZES) == layout
    if layout is not None:
        ours = np.arange(60.0)[: np.prod(shape)].reshape(
            [1 if k in layout.dropped else SIZES[a] for k, a in enumerate(axes)]
        )
        assert layout.theirs(ours).shape == shape
        np.testing.assert_array_equal(layout.ours(layout.theirs(ours)), ours)


def test_styles_import_nothing_but_numpy_and_each_other():
    """They run next to somebody's code, in a process that is started for it."""
    allowed = (*sys.stdlib_module_names, "numpy", "gradproof.styles", "gradproof.errors")
    files = [path for path in STYLES.glob("*.py") if path.stem != "from_problem"]
    assert len(files) > 10
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in getattr(node, "names", [])] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert all(f"{module}.".startswith(tuple(f"{a}." for a in allowed)) for module in names), path
