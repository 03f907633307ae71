"""Gradients that nobody here wrote: PyTorch's own recurrent layer and losses, in the precision of their arguments."""

import numpy as np
import pytest

from gradproof import verify
from gradproof.sampling import Budget
from tests.catalogue import FORMULAS, IMPLEMENTATIONS

torch = pytest.importorskip("torch")

REFERENCE_ONLY = Budget("reference only", random=20, witness_every=10**9)
"""As many points as the quick budget's; PyTorch's autograd would here be its own witness."""


def network(params, nonlinearity):
    """nn.RNN and nn.Linear with copies of the parameters, the names under which we know theirs, and h0."""
    W, U, V = (torch.tensor(params[name]) for name in "WUV")
    rnn = torch.nn.RNN(U.shape[1], U.shape[0], nonlinearity=nonlinearity, batch_first=True, dtype=W.dtype)
    head = torch.nn.Linear(V.shape[1], V.shape[0], dtype=V.dtype)
    ours = {"W": rnn.weight_hh_l0, "U": rnn.weight_ih_l0, "b": rnn.bias_ih_l0, "V": head.weight, "c": head.bias}
    with torch.no_grad():
        rnn.bias_hh_l0.zero_()
        for name, theirs in ours.items():
            theirs.copy_(torch.tensor(params[name]))
    h0 = torch.tensor(params.get("h0", np.zeros_like(params["b"])), requires_grad=True)
    return rnn, head, {**ours, "h0": h0}


def outputs(params, x, nonlinearity):
    """The outputs for x (T, d) or (B, T, d), and the tensors whose ``grad`` is the gradient of a parameter."""
    rnn, head, ours = network(params, nonlinearity)
    x = torch.tensor(x)
    states, _ = rnn(x, ours["h0"].expand(1, *x.shape[:-2], -1))
    return head(states), ours


def gradients_of(ours, params):
    return {name: ours[name].grad.numpy() for name in params}


def layer(nonlinearity):
    def gradients(params, data, upstream):
        y, ours = outputs(params, data["x"], nonlinearity)
        y.backward(torch.tensor(upstream))
        return gradients_of(ours, params)

    return gradients


def last_step_mse(params, data):
    yhat, ours = outputs(params, data["x"], "tanh")
    torch.nn.MSELoss(reduction="sum")(yhat[..., -1, :], torch.tensor(data["y"])).backward()
    return gradients_of(ours, params)


def cross_entropy_of_each_step(params, data):
    o, ours = outputs(params, data["x"], "tanh")
    torch.nn.CrossEntropyLoss(reduction="sum")(o, torch.tensor(data["y"])).backward()
    return gradients_of(ours, params)


def cross_entropy_of_the_last_step(params, data):
    o, ours = outputs(params, data["x"], "tanh")
    torch.nn.CrossEntropyLoss()(o[-1], torch.tensor(data["label"])).backward()
    return gradients_of(ours, params)


THEIRS = {
    "rnn-tanh": layer("tanh"),
    "rnn-relu": layer("relu"),
    "rnn-tanh-last-squared": last_step_mse,
    "weather-rnn-minibatch": last_step_mse,
    "character-rnn": cross_entropy_of_each_step,
    "sentiment-rnn": cross_entropy_of_the_last_step,
}


@pytest.mark.parametrize("key", THEIRS)
def test_pytorchs_own_gradients_pass(key):
    """At points of float32 and of float64: both are among those that are always tried."""
    verify(FORMULAS[key].problem(IMPLEMENTATIONS[key]), THEIRS[key], budget=REFERENCE_ONLY).require()
