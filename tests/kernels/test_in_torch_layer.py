"""The PyTorch layer, verified as one: at the formulas of a layer, and with the chunks that only large sizes have."""

import pytest

from implementations.kernels import in_torch, in_torch_steps
from tests.catalogue import FORMULAS, IMPLEMENTATIONS
from tests.kernels import through_torch
from tests.kernels.family import members
from tests.kernels.kernels import Candidate

torch = pytest.importorskip("torch", reason="the layer is PyTorch's")

CHUNKS = {"one chunk": in_torch_steps.CHUNK, "a few steps a chunk": 200, "a step a chunk": 1}
"""Bytes of a chunk at which the points' sizes have so many."""

CASES = [*(("tanh", chunk) for chunk in CHUNKS), ("sigmoid", "a few steps a chunk"), ("relu", "a few steps a chunk")]

RAGGED = [m for m in members() if m.ragged and m.biases and m.targets == "labels" and m.activation == "tanh"]


def layer_gradients(phi):
    """The gradients of V h[t] + c, with the parameters of the formula in place of the module's."""

    def gradients(params, data, upstream):
        tensors = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
        W, U, V, b, c, h0 = (tensors[name] for name in ("W", "U", "V", "b", "c", "h0"))
        layer = in_torch.RNN(U.shape[1], U.shape[0], nonlinearity=phi, dtype=U.dtype)
        named = {"weight_hh_l0": W, "weight_ih_l0": U, "bias_ih_l0": b, "bias_hh_l0": torch.zeros_like(b)}
        x = torch.tensor(data["x"], dtype=U.dtype)
        h, _ = torch.func.functional_call(layer, named, (x, h0[None]))
        (h @ V.T + c).backward(torch.tensor(upstream))
        return {name: tensor.grad.numpy() for name, tensor in tensors.items()}

    return gradients


@pytest.mark.parametrize(("phi", "chunk"), CASES)
def test_layer(phi, chunk, monkeypatch, verify_gradients):
    monkeypatch.setattr(in_torch_steps, "CHUNK", CHUNKS[chunk])
    key = f"rnn-{phi}"
    verify_gradients(FORMULAS[key].problem(IMPLEMENTATIONS[key]), layer_gradients(phi))


@pytest.mark.parametrize("member", RAGGED, ids=str)
def test_ragged_batches_in_chunks(member, monkeypatch, verify_gradients):
    """In one chunk they are verified with the other kernels."""
    monkeypatch.setattr(in_torch_steps, "CHUNK", CHUNKS["a few steps a chunk"])
    verify_gradients(member.problem(), Candidate(through_torch.rnn_gradients, member.call))
