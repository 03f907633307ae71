"""The layer in place of ``torch.nn.RNN``: equal to nn.RNN in all it has, and well-behaved."""

import copy
import pickle

import numpy as np
import pytest

from implementations.kernels import in_torch

torch = pytest.importorskip("torch", reason="the layer is PyTorch's")

# Equal to nn.RNN -----------------------------------------------------------------------------------------------------

T, B, D, N = 5, 4, 3, 6

LENGTHS = {"packed": [2, 5, 1, 3], "packed sorted": [5, 5, 4, 1], "packed equal": [5, 5, 5, 5], "packed one": [4]}

FORMS = ("batch", "batch first", "one sequence", "one step", "a batch of one", *LENGTHS)


def drawn(form):
    """An input of this form, and the first states to it."""
    torch.manual_seed(1)
    shape = {
        "one sequence": (T, D),
        "batch first": (B, T, D),
        "one step": (1, B, D),
        "a batch of one": (T, 1, D),
        "packed one": (T, 1, D),
    }.get(form, (T, B, D))
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    rows = () if form == "one sequence" else (1,) if "one" in form and form != "one step" else (B,)
    return x, torch.randn(1, *rows, N, dtype=torch.float64, requires_grad=True)


def called(module, form, x, hx):
    """The padded output and the last states."""
    if form not in LENGTHS:
        return module(x, hx)
    lengths, is_sorted = LENGTHS[form], "sorted" in form
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=is_sorted)
    output, h_n = module(packed, hx)
    assert isinstance(output, torch.nn.utils.rnn.PackedSequence)
    return torch.nn.utils.rnn.pad_packed_sequence(output)[0], h_n


def pair(form="batch", **options):
    """Ours and theirs with the same parameters."""
    options |= {"dtype": torch.float64, "batch_first": form == "batch first"}
    ours, theirs = in_torch.RNN(D, N, **options), torch.nn.RNN(D, N, **options)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def results(module, form, with_hx, used):
    """What is returned, and the gradients of a function of what is used of it, by everything there is."""
    x, hx = drawn(form)
    output, h_n = called(module, form, x, hx if with_hx else None)
    loss = sum(value.sin().sum() for name, value in (("output", output), ("h_n", h_n)) if name in used)
    leaves = [x, *([hx] if with_hx else []), *module.parameters()]
    return [output, h_n, *torch.autograd.grad(loss, leaves)]


@pytest.mark.parametrize("used", ["output", "h_n", "output and h_n"])
@pytest.mark.parametrize("with_hx", [True, False], ids=["hx", "no-hx"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("phi", ["tanh", "relu"])
def test_results_are_those_of_nn_rnn(phi, form, bias, with_hx, used):
    ours, theirs = pair(form, nonlinearity=phi, bias=bias)
    for own, expected in zip(*(results(m, form, with_hx, used) for m in (ours, theirs)), strict=True):
        torch.testing.assert_close(own, expected, rtol=1e-12, atol=1e-13)


def test_initial_parameters_are_those_of_nn_rnn():
    states = []
    for module_class in in_torch.RNN, torch.nn.RNN:
        torch.manual_seed(3)
        states.append(module_class(D, N, dtype=torch.float64).state_dict())
    ours, theirs = states
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_state_dicts_go_both_ways():
    ours, theirs = in_torch.RNN(D, N), torch.nn.RNN(D, N)
    for to, source in (ours, theirs), (theirs, in_torch.RNN(D, N)):
        to.load_state_dict(source.state_dict())
        assert all(torch.equal(value, to.state_dict()[name]) for name, value in source.state_dict().items())


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))], ids=["copied", "pickled"]
)
def test_copies_compute_the_same(copied):
    module = in_torch.RNN(D, N)
    assert torch.equal(copied(module)(torch.ones(T, D))[0], module(torch.ones(T, D))[0])


def test_shown_like_nn_rnn():
    options = {"nonlinearity": "relu", "batch_first": True, "bias": False}
    assert repr(in_torch.RNN(D, N)) == repr(torch.nn.RNN(D, N)) == "RNN(3, 6)"
    assert repr(in_torch.RNN(D, N, **options)) == "RNN(3, 6, nonlinearity='relu', bias=False, batch_first=True)"


# Well-behaved --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["batch", "one sequence", "packed"])
@pytest.mark.parametrize("phi", ["tanh", "sigmoid"])
def test_gradcheck(phi, form):
    module, (x, hx) = in_torch.RNN(D, N, nonlinearity=phi, dtype=torch.float64), drawn(form)
    names, values = zip(*module.named_parameters(), strict=True)

    def function(x, hx, *values):
        named = dict(zip(names, values, strict=True))
        return called(lambda *args: torch.func.functional_call(module, named, args), form, x, hx)

    assert torch.autograd.gradcheck(function, (x, hx, *values))


@pytest.mark.parametrize("upstream", ["a constant", "a function"])
def test_a_second_derivative_is_refused(upstream):
    """A gradient that autograd took for a constant would drop out of a larger loss without a word."""
    module, (x, _) = in_torch.RNN(D, N, dtype=torch.float64), drawn("batch")
    output = module(x)[0]
    loss = output.sum() if upstream == "a constant" else output.square().sum()
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiated only once"):
        (loss + gradient.square().sum()).backward()


@pytest.mark.parametrize("form", ["batch", "one sequence", "packed"])
def test_calls_share_no_memory(form):
    """Forward passes in between, and a backward pass run twice, change nothing."""
    module, (x, hx) = in_torch.RNN(D, N, dtype=torch.float64), drawn(form)
    leaves = [x, hx, *module.parameters()]

    def loss(factor):
        return called(module, form, x * factor, hx)[0].square().sum()

    expected = [torch.autograd.grad(loss(factor), leaves) for factor in (1, 2)]
    losses = [loss(factor) for factor in (1, 2)]
    twice = [torch.autograd.grad(losses[k], leaves, retain_graph=True) for k in (0, 1, 0)]
    for found, once in zip(twice, (*expected, expected[0]), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(found, once, strict=True))


def test_no_two_gradients_share_memory():
    module, (x, hx) = in_torch.RNN(D, N, dtype=torch.float64), drawn("batch")
    found = torch.autograd.grad(module(x, hx)[0].sum(), [x, hx, *module.parameters()])
    places = {gradient.untyped_storage().data_ptr() for gradient in found}
    assert len(places) == len(found)


@pytest.mark.parametrize("wanted", ["x", "hx", "weight_hh_l0", "weight_ih_l0", "bias_ih_l0", "bias_hh_l0"])
def test_one_gradient_alone(wanted):
    module, (x, hx) = in_torch.RNN(D, N, dtype=torch.float64), drawn("batch")
    leaves = {"x": x, "hx": hx, **dict(module.named_parameters())}
    (expected,) = torch.autograd.grad(module(x, hx)[0].square().sum(), leaves[wanted])
    for name, leaf in leaves.items():
        leaf.requires_grad_(name == wanted)
    module(x, hx)[0].square().sum().backward()
    assert torch.equal(leaves[wanted].grad, expected)
    assert all(leaf.grad is None for name, leaf in leaves.items() if name != wanted)


def test_no_graph_where_none_is_wanted():
    module, (x, hx) = in_torch.RNN(D, N, dtype=torch.float64), drawn("batch")
    expected, _ = module(x, hx)
    for context in torch.no_grad(), torch.inference_mode():
        with context:
            output, _ = module(x, hx)
        assert not output.requires_grad
        assert torch.equal(output, expected)


@pytest.mark.parametrize("strided", ["x", "hx", "weight_hh_l0", "weight_ih_l0", "upstream"])
def test_strides_do_not_matter(strided):
    module, (x, hx) = in_torch.RNN(D, N, dtype=torch.float64), drawn("batch")
    values = {"x": x, "hx": hx, **dict(module.named_parameters()), "upstream": torch.rand(T, B, N, dtype=x.dtype)}
    names = [name for name in values if name != "upstream"]

    def gradients(values):
        leaves = [values[name].detach().requires_grad_() for name in names]
        named = dict(zip(names[2:], leaves[2:], strict=True))
        output, _ = torch.func.functional_call(module, named, tuple(leaves[:2]))
        return torch.autograd.grad(output, leaves, values["upstream"])

    spread = torch.zeros(*values[strided].shape[:-1], 3 * values[strided].shape[-1], dtype=x.dtype)[..., ::3]
    moved = values | {strided: spread.copy_(values[strided].detach())}
    assert not moved[strided].is_contiguous()
    for found, expected in zip(gradients(moved), gradients(values), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-14, atol=1e-15)


def test_a_change_of_the_output_is_noticed():
    output, _ = in_torch.RNN(D, N)(torch.ones(T, B, D))
    output.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.sum().backward()


def test_the_last_states_are_the_callers_to_change():
    module, (x, _) = in_torch.RNN(D, N, dtype=torch.float64), drawn("batch")
    output, h_n = module(x)
    h_n.detach_().zero_()
    output.sum().backward()
    assert output[-1].ne(0).all()


def test_an_empty_batch():
    ours, theirs = pair()
    x = torch.ones(T, 0, D, dtype=torch.float64)
    assert [value.shape for value in ours(x)] == [value.shape for value in theirs(x)]
    ours(x)[0].sum().backward()
    assert not np.any(ours.weight_hh_l0.grad.numpy())


def test_float32():
    module = in_torch.RNN(D, N)
    output, h_n = module(torch.ones(T, B, D))
    output.sum().backward()
    assert {value.dtype for value in (output, h_n, *(p.grad for p in module.parameters()))} == {torch.float32}


# What does not fit ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_layers": 2}, "num_layers=2: this layer has only num_layers=1"),
        ({"bidirectional": True}, "bidirectional=True"),
        ({"dropout": 0.5}, "dropout=0.5"),
        ({"nonlinearity": "softplus"}, "nonlinearity='softplus': it is one of 'tanh', 'sigmoid', 'relu'"),
        ({"hidden_size": 0}, "hidden_size must be at least 1, not 3 and 0"),
    ],
    ids=str,
)
def test_options_it_has_not(options, message):
    with pytest.raises(ValueError, match=message):
        in_torch.RNN(**({"input_size": D, "hidden_size": N} | options))


@pytest.mark.parametrize(
    ("shape", "hx_shape", "message"),
    [
        ((T, B, D + 1), None, "3 features, not 4"),
        ((D,), None, r"not \(3,\)"),
        ((0, B, D), None, "at least one step"),
        ((T, B, D), (1, B + 1, N), r"hx must be \(1, 4, 6\), not \(1, 5, 6\)"),
        ((T, B, D), (B, N), r"hx must be \(1, 4, 6\), not \(4, 6\)"),
        ((T, D), (2, N), r"hx must be \(1, 6\), not \(2, 6\)"),
        ((T, D), (1, 1, N), r"hx must be \(1, 6\), not \(1, 1, 6\)"),
    ],
    ids=str,
)
def test_shapes_that_do_not_fit(shape, hx_shape, message):
    hx = None if hx_shape is None else torch.ones(hx_shape)
    with pytest.raises(ValueError, match=message):
        in_torch.RNN(D, N)(torch.ones(shape), hx)


def test_dtypes_that_do_not_fit():
    module = in_torch.RNN(D, N)
    with pytest.raises(ValueError, match=r"not torch.float64, torch.float64 and torch.float32"):
        module(torch.ones(T, D, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"not torch.float32, torch.float64 and torch.float32"):
        module(torch.ones(T, D), torch.ones(1, N, dtype=torch.float64))


def test_the_module_has_nothing_else():
    with pytest.raises(AttributeError, match="has no attribute 'LSTM'"):
        in_torch.LSTM  # noqa: B018  the attribute's error is what is tested
