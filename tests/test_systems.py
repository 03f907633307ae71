"""The systems' own code: data, networks, training and decoding do what the records say they do."""

import itertools
import sys

import numpy as np
import pytest

from gradproof import Problem, verify
from gradproof.errors import NotRun
from implementations.activations import cross_entropy, log_softmax, softmax
from implementations.datasets import FIVE_SUBJECTS
from implementations.errata.recurrent import SENTIMENT_CARRY_NOT_TRANSPOSED
from implementations.optimizers import SGD, AdaGrad, Adam, RMSprop
from implementations.recurrent_forward import outputs
from implementations.regression import LOGISTIC_REGRESSION
from reproductions import characters, linear_regression, parity, phrases, sentiment, words
from reproductions.training import Training, descent, one_hot, thinned, uniform_by_fan_in


def needs_torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


# Training ------------------------------------------------------------------------------------------------------------


def test_weights_fill_their_range():
    weights = uniform_by_fan_in(np.random.default_rng(0), 200, 25)
    assert weights.shape == (200, 25)
    assert 0.199 < np.max(weights) <= 0.2
    assert -0.2 <= np.min(weights) < -0.199


def test_one_hot():
    codes, known = one_hot("banana")
    assert known == ["a", "b", "n"]
    assert [known[k] for k in codes.argmax(axis=1)] == list("banana")
    assert np.array_equal(codes.sum(axis=1), np.ones(6))


def test_thinned_keeps_the_last_of_each_stretch():
    assert thinned([1, 2, 3, 4, 5, 6, 7], 3) == [3, 6]


def test_training_and_descent_are_one_thing_and_leave_the_start_alone():
    data = parity.rows_and_labels(parity.random_rows(7, 3, np.random.default_rng(0)))
    start = {"w": np.array([1.0, -2.0, 0.5]), "b": np.array(0.25)}
    before = {name: theta.copy() for name, theta in start.items()}
    training = Training(LOGISTIC_REGRESSION.gradients, SGD(lr=0.3), start)
    for loss, params in itertools.islice(descent(LOGISTIC_REGRESSION, start, data, 0.3), 20):
        for name, theta in training.params.items():
            np.testing.assert_allclose(theta, params[name], rtol=1e-14)
        assert training.step(data)[0] == pytest.approx(loss, rel=1e-14)
    for name in start:
        np.testing.assert_array_equal(start[name], before[name])


# Parity --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_truth_table_has_every_row_once(n):
    rows = {tuple(row) for row in parity.truth_table(n)}
    assert rows == set(itertools.product((0.0, 1.0), repeat=n))


@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 6), (50, 2), (9, 7)])
def test_labels_are_the_exclusive_or_of_each_row(m, n):
    X = parity.random_rows(m, n, np.random.default_rng(3))
    assert X.shape == (m, n)
    assert set(np.unique(X)) <= {0, 1}
    np.testing.assert_array_equal(parity.parity(X), np.logical_xor.reduce(X.astype(bool), axis=1))


@pytest.mark.parametrize(("n", "reach", "half_spaces"), [(2, 1, 14), (3, 2, 104), (4, 3, 1882)])
def test_no_half_space_tells_parity_better(n, reach, half_spaces):
    """All of them: so many ways to divide the corners of a cube by a plane are known, and whole weights reach each."""
    X = parity.truth_table(n)
    weights = np.array(list(itertools.product(range(-reach, reach + 1), repeat=n))).T
    thresholds = np.arange(-n * reach - 0.5, n * reach + 1)
    told = np.unique(((X @ weights)[:, :, None] > thresholds).reshape(2**n, -1), axis=1)
    assert told.shape[1] == half_spaces
    accuracy = np.mean(told == parity.parity(X)[:, None], axis=0)
    assert np.max(accuracy) == parity.best_accuracy(n)


# Linear regression ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("points", linear_regression.POINTS)
def test_four_ways_are_one(points):
    needs_torch()
    x, y = linear_regression.POINTS[points]
    losses, end = linear_regression.loop(x, y)
    assert linear_regression.by_class(x, y) == (losses, end)
    for way in linear_regression.TORCH_WAYS.values():
        theirs, their_end = way(x, y)
        np.testing.assert_allclose(theirs, losses, rtol=1e-5)
        np.testing.assert_allclose(their_end[:2], end[:2], rtol=1e-6)


def test_resetting_the_gradients_leaves_the_parameters():
    x, y = linear_regression.POINTS["5 points"]
    model = linear_regression.RegressionModel()
    model.backward(x, y)
    once = dict(model.gradients)
    model.backward(x, y)
    assert model.gradients == {name: 2 * gradient for name, gradient in once.items()}
    model.reset_grad()
    assert model.gradients == {"w": 0, "b": 0}
    assert model.params == {"w": 1, "b": 1}


def test_least_squares_is_a_zero_of_the_gradient():
    X, y = FIVE_SUBJECTS["X"], FIVE_SUBJECTS["y"]
    solution, loss = linear_regression.least_squares(X, y)
    columns = np.column_stack([X, np.ones(len(y))])
    residual = columns @ solution - y
    np.testing.assert_allclose(columns.T @ residual, 0, atol=1e-12)
    assert loss == pytest.approx(residual @ residual / len(y))


@pytest.mark.parametrize(("factor", "stable"), [(0.99, True), (1.01, False)])
def test_the_largest_stable_eta_is_the_largest(factor, stable):
    X, y = FIVE_SUBJECTS["X"], FIVE_SUBJECTS["y"]
    eta = factor * linear_regression.largest_stable_eta(X)
    start = {"w": np.ones(2), "b": np.array(1.0)}
    steps = descent(linear_regression.MULTIPLE_LINEAR_REGRESSION, start, {"X": X, "y": y}, eta)
    losses = [loss for loss, _ in itertools.islice(steps, 2000)]
    assert (losses[-1] < losses[0]) == stable


# The recurrent networks, under the conventions of their documents ----------------------------------------------------


def draw_network(sizes, rng):
    n, k, T = sizes["n"], sizes["k"], sizes["T"]
    shapes = {"U": (n, k), "W": (n, n), "V": (k, n), "c": (k,)}
    params = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return params, {"x": rng.normal(size=(T, k)), "y": np.eye(k)[rng.integers(0, k, T)]}


def draw_word(sizes, rng):
    params, data = draw_network(sizes, rng)
    return {**params, "b_ih": rng.normal(size=sizes["n"]), "b_hh": rng.normal(size=sizes["n"])}, data


def word_loss(params, data):
    one_bias = {name: params[name] for name in ("U", "W", "V", "c")} | {"b": params["b_ih"] + params["b_hh"]}
    return cross_entropy(log_softmax(outputs(one_bias, data["x"], np.tanh)), data["y"]) / len(data["x"])


def draw_sentence(sizes, rng):
    params, data = draw_network(sizes, rng)
    return {**params, "b": rng.normal(size=sizes["n"])}, {**data, "h0": rng.normal(size=sizes["n"])}


def sentence_loss(params, data):
    from_given = {**params, "h0": data["h0"]}
    return cross_entropy(log_softmax(outputs(from_given, data["x"], np.tanh)), data["y"])


SIZES = {"n": (1, 4), "k": (2, 4), "T": (1, 5)}
NETWORKS = {
    "two biases, mean over the steps": (word_loss, draw_word, words.NETWORK),
    "first state given": (sentence_loss, draw_sentence, characters.FromGivenState()),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_has_the_gradient_of_its_loss(name):
    loss, draw, code = NETWORKS[name]
    verify(Problem(name=name, loss=loss, sizes=SIZES, draw=draw, fixed=("y",)), code).require()


def test_a_sum_in_place_of_the_mean_is_found():
    problem = Problem(name="mean", loss=word_loss, sizes=SIZES, draw=draw_word, fixed=("y",))
    assert not verify(problem, words.TwoBiases(characters.NETWORK)).passed


# The sentence --------------------------------------------------------------------------------------------------------


def test_the_sentence_has_19_steps_of_10_characters():
    data, known = characters.sentence()
    assert data["x"].shape == data["y"].shape == (19, known) == (19, 10)
    np.testing.assert_array_equal(data["x"][1:], data["y"][:-1])


def test_carrying_the_state_changes_all_epochs_but_the_first():
    reset, carried = (
        characters.train(0, biased=True, eta=0.01, epochs=3, carried=carried) for carried in (False, True)
    )
    assert reset[0] == carried[0]
    assert reset[1] != carried[1]


# The words -----------------------------------------------------------------------------------------------------------


OPTIMIZERS = [Adam(lr=0.1, beta2=0.99), AdaGrad(lr=0.1, eps=1e-18), RMSprop(lr=0.01, eps=1e-18)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: type(optimizer).__name__)
@pytest.mark.parametrize("hidden", [5, 50])
def test_numpy_and_pytorch_take_the_same_first_steps(optimizer, hidden):
    needs_torch()
    ours, theirs = (words.train(backend, "edgement", 1, hidden, optimizer, 4)[0] for backend in words.BACKENDS.values())
    np.testing.assert_allclose(theirs, ours, rtol=1e-6)


def test_both_spell_alike():
    needs_torch()
    ours, theirs = (words.train(backend, "edgement", 0, 5, Adam(lr=0.1), 100)[1] for backend in words.BACKENDS.values())
    assert ours == theirs == "edgement"


def test_decoding_feeds_all_letters_so_far_and_takes_the_likeliest():
    seen_lengths = []

    def logits(seen):
        seen_lengths.append(len(seen))
        return np.eye(3)[len(seen) % 3]

    assert words.spelt(logits, "b", ["a", "b", "c"], 6) == "bbcabc"
    assert seen_lengths == [1, 2, 3, 4, 5]


def test_an_untrained_network_spells_something_else():
    assert words.train(words.in_numpy, "Acknowledgement", 0, 5, Adam(lr=0.1), 1)[1] != "Acknowledgement"


def test_epochs_are_counted_from_1():
    assert words.epochs_to([3.0, 1.0, 0.5], 2.0) == 2
    assert words.epochs_to([3.0], 2.0) == float("inf")


IN_TORCH = {
    "words": lambda: words.train(words.in_torch, "ab", 0, 2, Adam(lr=0.1), 1),
    "line": lambda: linear_regression.LINE_TORCH.run(0),
}


@pytest.mark.parametrize("run", IN_TORCH.values(), ids=IN_TORCH)
def test_without_pytorch_its_runs_say_so(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(NotRun, match="PyTorch is not installed"):
        run()


# The phrases ---------------------------------------------------------------------------------------------------------


def test_the_phrases_are_those_of_the_document():
    assert (len(phrases.TRAIN), len(phrases.TEST), len(phrases.VOCABULARY)) == (58, 20, 18)
    assert not phrases.TRAIN.keys() & phrases.TEST.keys()
    assert {word for phrase in phrases.TEST for word in phrase.split()} <= set(phrases.VOCABULARY)
    assert (sum(phrases.TRAIN.values()), sum(phrases.TEST.values())) == (26, 10)
    assert {len(phrase.split()) for phrase in phrases.TRAIN} == {1, 2, 3, 4, 5, 6, 7, 8, 10}


def test_a_phrase_is_right_when_its_class_is_the_likelier():
    params = sentiment.weights(lambda *shape: 3000 * np.random.default_rng(sum(shape)).normal(size=shape))
    network = SENTIMENT_CARRY_NOT_TRANSPOSED.corrected
    losses, likelier = [], []
    for record in sentiment.records(phrases.TRAIN):
        losses.append(network.forward(params, record)[0])
        likelier.append(np.argmax(sentiment.probabilities(params, record["x"])) == record["label"])
    assert 0 < np.mean(likelier) < 1
    assert sentiment.average(losses) == (pytest.approx(np.mean(losses)), np.mean(likelier))


def test_of_all_orders_of_the_vocabulary_240_give_the_printed_digits():
    """ "good" is at place 0; the places of the other three words of the phrase are not printed: 17 * 16 * 15."""
    params = sentiment.weights(np.random.RandomState(1).randn)
    places = np.array([(*places, 0) for places in itertools.permutations(range(1, 18), 3)])
    h = np.zeros((len(places), sentiment.HIDDEN))
    for place in places.T:
        h = np.tanh(h @ params["W"].T + params["U"][:, place].T)
    printed = [tuple(f"{p:.8f}" for p in both) == sentiment.UNTRAINED for both in softmax(h @ params["V"].T)]
    assert (len(printed), sum(printed)) == (4080, 240)


def test_knowing_and_losing_again():
    def found(*accuracies):
        return {"train accuracy": list(accuracies), "test accuracy": [1.0] * len(accuracies)}

    assert sentiment.first_all_right(found(0.5, 1.0, 0.9)) == 2 * sentiment.CHECKED_EVERY
    assert sentiment.lost_again(found(0.5, 1.0, 0.9))
    assert not sentiment.lost_again(found(0.5, 1.0, 1.0))
    assert not sentiment.lost_again(found(0.5, 0.9))
    assert sentiment.first_all_right(found(0.5, 0.9)) == float("inf")


def test_the_printed_and_the_correct_pass_start_alike_and_part():
    codes = SENTIMENT_CARRY_NOT_TRANSPOSED.printed, SENTIMENT_CARRY_NOT_TRANSPOSED.corrected
    rng = np.random.default_rng(0)
    start = sentiment.weights(lambda *shape: 500 * rng.normal(size=shape))
    (first,) = sentiment.records({"i am very good": 1})
    printed, corrected = ([Training(code, SGD(lr=0.1), start)] for code in codes)
    losses = [[training[0].step(first)[0] for _ in range(2)] for training in (printed, corrected)]
    assert losses[0][0] == losses[1][0]
    assert losses[0][1] != losses[1][1]
