"""Code in other people's styles: what is right passes as it is, what is wrong fails, what is unclear is refused."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from gradproof import verify
from gradproof.loading import subject
from gradproof.problem import Place
from gradproof.sampling import Budget, draw_point
from gradproof.styles import Unrecognised, adapt
from gradproof.styles.from_problem import contract_of
from gradproof.submission import at_sizes
from tests.catalogue import FORMULAS, IMPLEMENTATIONS
from tests.styles import columns, networks

ROOT = Path(__file__).parents[2]
PINNED = Budget("pinned places only", random=0, witness_every=10**9)
HEAD = re.compile(r"# gradproof check (\S+) --as ([\w-]+):?(\w*)\n")

REGRESSION = "multiple-linear-regression"
LAST = "rnn-tanh-last-squared"


def problem(key):
    return FORMULAS[key].problem(IMPLEMENTATIONS[key])


def adapted(code, key):
    return adapt(code, contract_of(problem(key)))


def verdict(code, key):
    found = adapted(code, key)
    return verify(at_sizes(problem(key), found.sizes), found.code, budget=PINNED)


def wrong_parameters(code, key):
    return {finding.parameter for finding in verdict(code, key).findings if finding.kind == "value"}


# The page ---------------------------------------------------------------------------------------------------------

BLOCKS = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/adapters.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
EXAMPLES = {HEAD.match(block).group(1): block for block in BLOCKS}

SLIPS = {
    "logistic.py": ("/ len(a)", "/ len(params['w'])"),
    "line.py": ("2 * np.mean(residual)", "np.mean(residual)"),
    "both.py": ("np.mean(residual**2)", "np.sum(residual**2)"),
    "layer.py": ("dout * (1 - y**2)", "dout * (1 - y)"),
    "passes.py": ("data['X'].T @ cache".replace("'", '"'), "-data['X'].T @ cache"),
    "temperature.py": ("self.w.T @ (", "self.w @ ("),
    "sentiment.py": ("self.Whh.T @ d_z", "self.Whh @ d_z"),
    "function.py": ("A.T @ dz,", "A.T @ grad_output,"),
    "module.py": ("* 2 * residual", "* residual"),
    "packed.py": ("-(signs", "(signs"),
}
"""What to write wrong in an example of the page."""


def load(tmp_path, text):
    """(what is checked in the text of a file, the key)."""
    file, key, name = HEAD.match(text).groups()
    if "import torch" in text:
        pytest.importorskip("torch")
    path = tmp_path / file
    path.write_text(text, encoding="utf-8")
    return subject(path, name or None)[0], key


@pytest.mark.parametrize("file", EXAMPLES)
def test_example_of_the_page_passes(file, tmp_path):
    verdict(*load(tmp_path, EXAMPLES[file])).require()


@pytest.mark.parametrize("file", EXAMPLES)
def test_example_of_the_page_fails_with_a_slip_in_it(file, tmp_path):
    right, wrong = SLIPS[file]
    assert EXAMPLES[file].count(right) == 1
    assert verdict(*load(tmp_path, EXAMPLES[file].replace(right, wrong))).status == "fail"


# A method for each gradient ---------------------------------------------------------------------------------------

METHODS = {
    "c": ("return 2 * (y_pred - y_true)\n", "return y_pred - y_true\n"),
    "b": (".sum(dim=0)", "[-1]"),
    "V": ("* hidden[-1]", "* hidden[0]"),
    "W": ("hidden[:-1]]", "hidden[1:]]"),
    "U": (".T @ x", ".T @ x.flip(0)"),
}


@pytest.mark.parametrize("parameter", METHODS)
def test_a_method_that_is_wrong_alone_is_named_by_its_parameter(parameter, tmp_path):
    right, wrong = METHODS[parameter]
    assert EXAMPLES["temperature.py"].count(right) == 1
    code, key = load(tmp_path, EXAMPLES["temperature.py"].replace(right, wrong))
    assert wrong_parameters(code, key) == {parameter}


def test_a_wrong_gradient_by_the_states_spoils_what_is_made_from_it(tmp_path):
    code, key = load(tmp_path, EXAMPLES["temperature.py"].replace("self.w.T @ (", "self.w @ ("))
    assert wrong_parameters(code, key) == {"W", "U", "b"}


def test_one_output_restricts_the_sizes(tmp_path):
    code, key = load(tmp_path, EXAMPLES["temperature.py"])
    assert adapted(code, key).sizes == {"m": 1}


def test_the_default_dtype_is_the_points_during_the_call_and_as_before_after_it():
    torch = pytest.importorskip("torch")
    seen = []

    def fails(params, data):
        seen.append(torch.zeros(1).dtype)
        torch.mv(data["X"], torch.zeros(99))

    code = adapted(fails, REGRESSION).code
    with pytest.raises(TypeError):
        code({"w": np.ones(2), "b": np.array(1.0)}, {"X": np.ones((3, 2)), "y": np.ones(3)})
    assert seen[1] == torch.float64
    assert torch.get_default_dtype() == torch.float32


# Classes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cls",
    [
        columns.ReturnsTuple,
        columns.ReturnsDict,
        columns.KeepsThem,
        columns.UpdatesInPlace,
        columns.UpdatesByAttribute,
    ],
)
def test_gradients_are_taken_however_they_are_given(cls):
    verdict(cls, "sentiment-rnn").require()


@pytest.mark.parametrize("cls", [columns.ClipsWhatItReturns, columns.ForgetsATranspose])
def test_a_wrong_backward_pass_fails(cls):
    assert verdict(cls, "sentiment-rnn").status == "fail"


@pytest.mark.parametrize("regime", ["ordinary", "parameters x 300", "parameters x 1e-3", "data x 1e-12"])
def test_an_update_gives_its_gradient_to_the_last_bit(regime):
    """Also entries far below what rounding would take from the weights, and those that a clip would cut."""
    returned, updates = (adapted(cls, "sentiment-rnn").code for cls in (columns.ReturnsTuple, columns.UpdatesInPlace))
    for seed in range(20):
        place = Place.of({"n": 3, "d": 4, "m": 3, "T": 5}, regime=regime, seed=seed)
        point = draw_point(problem("sentiment-rnn"), place)
        exact, found = returned(point.params, point.data), updates(point.params, point.data)
        for name in point.params:
            np.testing.assert_array_equal(found[name], exact[name])


def test_an_update_whose_rate_cannot_be_set_is_refused():
    with pytest.raises(Unrecognised, match="learning rate cannot be set"):
        adapted(columns.UpdatesByAnUnknownRate, "sentiment-rnn")


@pytest.mark.parametrize(
    ("code", "key"),
    [
        (networks.RowVectors, LAST),
        (networks.Layer, "rnn-tanh"),
        (networks.Regression, REGRESSION),
        (networks.WithItsLossGradient, REGRESSION),
        (networks.OutputLast, REGRESSION),
        (networks.Accumulates, REGRESSION),
        (networks.Accumulates(), REGRESSION),
    ],
)
def test_classes_pass_wherever_they_keep_their_weights(code, key):
    verdict(code, key).require()


def test_matrices_of_row_vectors_are_said_to_be_transposed():
    assert adapted(networks.RowVectors, LAST).notes == ("its matrices are taken as the transposed of ours",)


def test_the_loss_of_a_method_is_checked_too():
    (finding,) = verdict(networks.HalfTheLoss, REGRESSION).findings
    assert finding.kind == "loss"


def test_a_missing_derivative_of_the_loss_is_refused_with_the_way_out():
    with pytest.raises(Unrecognised, match=r"add a function loss_gradient\(y_pred, y_true\)"):
        adapted(networks.WithoutIt, REGRESSION)


@pytest.mark.parametrize(
    ("cls", "key"), [(networks.WritesIntoItsInput, REGRESSION), (networks.WritesIntoTheUpstream, "rnn-tanh")]
)
def test_what_a_class_does_to_its_arguments_is_seen(cls, key):
    assert [finding.kind for finding in verdict(cls, key).findings] == ["mutates-input"]


def test_an_instance_is_not_changed_by_the_check():
    instance = networks.Regression()
    verdict(instance, REGRESSION).require()
    np.testing.assert_array_equal(instance.params["w"], np.zeros(3))


# PyTorch ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def modules():
    pytest.importorskip("torch")
    return importlib.import_module("tests.styles.modules")


@pytest.mark.parametrize(
    ("name", "key"), [("Perceptron", REGRESSION), ("in_tensors", REGRESSION), ("Square", "square")]
)
def test_code_in_tensors_passes(modules, name, key):
    verdict(getattr(modules, name), key).require()


def test_what_a_function_does_to_its_upstream_gradient_is_seen(modules):
    assert [f.kind for f in verdict(modules.WritesIntoTheUpstream, "vector-chain-rule").findings] == ["mutates-input"]


@pytest.mark.parametrize(
    ("name", "key", "message"),
    [
        ("Outputs", REGRESSION, r"returns outputs of the shape \(9,\), and their loss is not known"),
        ("WritesIntoTheUpstream", REGRESSION, r"the arguments of forward\(x, A, d\) are not the parameters \(w, b\)"),
    ],
)
def test_code_in_tensors_that_cannot_be_checked_is_refused(modules, name, key, message):
    with pytest.raises(Unrecognised, match=message):
        adapted(getattr(modules, name), key)


# Functions --------------------------------------------------------------------------------------------------------


def in_an_order_of_its_own(params, data):
    residual = data["X"] @ params["w"] + params["b"] - data["y"]
    return 2 * np.mean(residual), 2 * data["X"].T @ residual / len(residual)


def after_the_loss(X, y, w, b):
    residual = X @ w + b - y
    return np.mean(residual**2), 2 * X.T @ residual / len(y), 2 * np.mean(residual)


def before_the_loss(params, X, y):
    loss, dw, db = after_the_loss(X, y, **params)
    return {"grad_w": dw, "grad_b": db, "dX": X}, loss


@pytest.mark.parametrize("function", [in_an_order_of_its_own, after_the_loss, before_the_loss])
def test_a_function_passes_whatever_it_returns_them_in(function):
    verdict(function, REGRESSION).require()


def test_the_gradient_by_a_single_parameter_needs_no_name():
    verdict(lambda x: 2 * x, "square").require()


def test_one_argument_of_an_unknown_name_is_what_is_left():
    verdict(lambda net, X, y: dict(zip("wb", after_the_loss(X, y, **net)[1:], strict=True)), REGRESSION).require()


def test_a_result_in_another_precision_is_not_cast():
    def gradients(w, b, X, y):
        residual = np.asarray(X @ w + b - y, np.float64)
        return 2 * X.T @ residual / len(y), 2 * np.mean(residual)

    assert {finding.kind for finding in verdict(gradients, REGRESSION).findings} == {"dtype"}


def test_two_passes_of_a_loss_get_one_as_the_upstream_gradient():
    class Passes:
        @staticmethod
        def forward(w, b, X, y):
            return np.mean((X @ w + b - y) ** 2), (X, X @ w + b - y)

        @staticmethod
        def backward(dout, cache):
            X, residual = cache
            return dout * 2 * X.T @ residual / len(residual), dout * 2 * np.mean(residual)

    verdict(Passes, REGRESSION).require()


# What is unclear --------------------------------------------------------------------------------------------------


class OneWeightIsMissing:
    def __init__(self):
        self.w, self.scale = np.zeros(3), 1.0

    def forward(self, X):
        return X @ self.w

    def backward(self, X, y, y_pred):
        return X.T @ (y_pred - y)


class AskedForTheUnknown(OneWeightIsMissing):
    def __init__(self, momentum):
        super().__init__()


class TwoNames(OneWeightIsMissing):
    def __init__(self):
        self.weight, self.weights, self.b = np.zeros(3), np.zeros(3), 0.0


REFUSED = [
    (
        lambda inputs, targets, hprev: 0,
        "character-rnn",
        r"neither a function of \(params, data\) nor of \(W, U, V, b, c",
    ),
    (lambda x, y: 0, "class-cross-entropy", r"neither a function of \(params, data\) nor of \(y, c\)"),
    (lambda params, data: 0, "rnn-tanh", r"neither a function of \(params, data, upstream\)"),
    (OneWeightIsMissing, REGRESSION, "no attribute for the parameter b; the arrays among .* are w, scale"),
    (AskedForTheUnknown, REGRESSION, "the argument 'momentum' of AskedForTheUnknown is neither a size"),
    (TwoNames, REGRESSION, "w may be either of weight and weights"),
    (3.14, REGRESSION, "the float is neither a function that returns gradients, nor"),
    (type("Empty", (), {}), REGRESSION, "the class Empty is neither a function"),
]


@pytest.mark.parametrize(("code", "key", "message"), REFUSED)
def test_what_is_unclear_is_refused(code, key, message):
    with pytest.raises(Unrecognised, match=message):
        adapted(code, key)
