"""The kernel as a layer of PyTorch: ``RNN``, to put in the place of a ``torch.nn.RNN`` of one layer and one direction.

PyTorch is optional, so the classes are made when they are first asked for.
"""

from __future__ import annotations

from functools import cache
from math import sqrt
from typing import Any

from implementations.kernels.in_torch_steps import SLOPE_AT, Steps, gradients, states

Tensor = Any


def __getattr__(name: str) -> Any:
    if name == "RNN":
        return rnn_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def rnn_class() -> Any:
    import torch
    from torch.nn.utils.rnn import PackedSequence

    elman = elman_function()

    class RNN(torch.nn.Module):
        """A layer with the parameters, the arguments and the results of ``torch.nn.RNN``, and its own backward pass.

        h[t] = phi(weight_ih_l0 x[t] + bias_ih_l0 + weight_hh_l0 h[t-1] + bias_hh_l0); ``nonlinearity`` names phi:
        "tanh", "relu" or "sigmoid". The parameters are initialised as there, and state_dicts go both ways. Raises
        ValueError for more than one layer, two directions and dropout, which this layer has not.

        It can be differentiated once, by autograd, not by torch.func; a second derivative raises. As with nn.RNN on a
        GPU the output must not be changed in place before the backward pass, which needs it: autograd then raises.
        """

        def __init__(
            self,
            input_size: int,
            hidden_size: int,
            num_layers: int = 1,
            nonlinearity: str = "tanh",
            bias: bool = True,
            batch_first: bool = False,
            dropout: float = 0.0,
            bidirectional: bool = False,
            device: Any = None,
            dtype: Any = None,
        ) -> None:
            check_options(input_size, hidden_size, num_layers, nonlinearity, dropout, bidirectional)
            super().__init__()
            self.input_size, self.hidden_size, self.nonlinearity = input_size, hidden_size, nonlinearity
            self.bias, self.batch_first = bias, batch_first
            shapes = {"weight_ih_l0": (hidden_size, input_size), "weight_hh_l0": (hidden_size, hidden_size)}
            biases = dict.fromkeys(("bias_ih_l0", "bias_hh_l0"), (hidden_size,))
            for name, shape in (shapes | biases).items():
                is_there = bias or name in shapes
                empty = torch.nn.Parameter(torch.empty(shape, device=device, dtype=dtype)) if is_there else None
                self.register_parameter(name, empty)
            self.reset_parameters()

        def reset_parameters(self) -> None:
            bound = 1 / sqrt(self.hidden_size)
            for parameter in self.parameters():
                torch.nn.init.uniform_(parameter, -bound, bound)

        def extra_repr(self) -> str:
            options = {"nonlinearity": "tanh", "bias": True, "batch_first": False}
            changed = [
                f"{name}={getattr(self, name)!r}" for name, usual in options.items() if getattr(self, name) != usual
            ]
            return ", ".join([f"{self.input_size}, {self.hidden_size}", *changed])

        def forward(self, input: Tensor | PackedSequence, hx: Tensor | None = None) -> tuple[Any, Tensor]:
            """The states at all steps, and the last one of each sequence.

            input: (T, B, d), with batch_first (B, T, d); (T, d) for one sequence; or a PackedSequence. hx: the states
            before the first step, (1, B, n), or (1, n) for one sequence; zeros if None. Returns the states in the form
            of the input, with n for d, and the last states in that of hx. Raises ValueError where a shape or a dtype
            does not fit.
            """
            if isinstance(input, PackedSequence):
                return self.of_packed(input, hx)
            if input.dim() not in (2, 3):
                raise ValueError(f"input must be (T, d), (T, B, d) or packed, not {tuple(input.shape)}")
            if hx is not None:
                batch = () if input.dim() == 2 else (input.shape[0 if self.batch_first else 1],)
                self.check_first_states(hx, (1, *batch, self.hidden_size))
            if input.dim() == 2:
                output, h_n = self.of_batch(input[:, None], None if hx is None else hx[:, None])
                return output[:, 0], h_n[:, 0]
            if self.batch_first:
                output, h_n = self.of_batch(input.transpose(0, 1), hx)
                return output.transpose(0, 1), h_n
            return self.of_batch(input, hx)

        def of_batch(self, x: Tensor, hx: Tensor | None) -> tuple[Tensor, Tensor]:
            T, B, _ = x.shape
            if T == 0:
                raise ValueError("input must have at least one step")
            h = self.states(x, hx, Steps.equal(T, B))
            return h, h.narrow_copy(0, T - 1, 1)  # a copy, so that its user can detach it in place

        def of_packed(self, packed: PackedSequence, hx: Tensor | None) -> tuple[PackedSequence, Tensor]:
            """Packed rows are sorted by length; hx and the last states have the order of the batch."""
            steps = Steps.of(packed.batch_sizes.tolist())
            if hx is not None:
                self.check_first_states(hx, (1, steps.sizes[0], self.hidden_size))
            if hx is not None and packed.sorted_indices is not None:
                hx = hx.index_select(1, packed.sorted_indices)
            h = self.states(packed.data, hx, steps)
            h_n = h.index_select(0, torch.tensor(steps.last_rows(), device=h.device))[None]
            if packed.unsorted_indices is not None:
                h_n = h_n.index_select(1, packed.unsorted_indices)
            return packed._replace(data=h), h_n

        def check_first_states(self, hx: Tensor, shape: tuple[int, ...]) -> None:
            if hx.shape != shape:
                raise ValueError(f"for this input hx must be {shape}, not {tuple(hx.shape)}")

        def states(self, x: Tensor, hx: Tensor | None, steps: Steps) -> Tensor:
            W, U = self.weight_hh_l0, self.weight_ih_l0
            if hx is None:
                hx = x.new_zeros(1, steps.sizes[0], self.hidden_size)
            if x.shape[-1] != self.input_size:
                raise ValueError(f"input must have {self.input_size} features, not {x.shape[-1]}")
            if not x.dtype == hx.dtype == W.dtype:
                raise ValueError(f"input, hx and weights must have one dtype, not {x.dtype}, {hx.dtype} and {W.dtype}")
            return elman.apply(x, hx, W, U, self.bias_ih_l0, self.bias_hh_l0, self.nonlinearity, steps)

    RNN.__qualname__ = "RNN"  # where pickle looks for it
    return RNN


def check_options(
    input_size: int, hidden_size: int, num_layers: int, nonlinearity: str, dropout: float, bidirectional: bool
) -> None:
    if input_size < 1 or hidden_size < 1:
        raise ValueError(f"input_size and hidden_size must be at least 1, not {input_size} and {hidden_size}")
    if nonlinearity not in SLOPE_AT:
        raise ValueError(f"nonlinearity={nonlinearity!r}: it is one of {', '.join(map(repr, SLOPE_AT))}")
    for name, value, only in (
        ("num_layers", num_layers, 1),
        ("dropout", dropout, 0.0),
        ("bidirectional", bidirectional, False),
    ):
        if value != only:
            raise ValueError(f"{name}={value!r}: this layer has only {name}={only!r}; torch.nn.RNN has more")


@cache
def elman_function() -> Any:
    """The states of all steps as one operation of autograd, which keeps no more than its arguments and its result."""
    import torch

    class Elman(torch.autograd.Function):
        @staticmethod
        def forward(
            ctx: Any,
            x: Tensor,
            hx: Tensor,
            W: Tensor,
            U: Tensor,
            b_ih: Tensor | None,
            b_hh: Tensor | None,
            phi: str,
            steps: Steps,
        ) -> Tensor:
            h = states(x, hx, W, U, None if b_ih is None else b_ih + b_hh, phi, steps)
            ctx.phi, ctx.steps = phi, steps
            ctx.save_for_backward(x, hx, W, U, h)
            return h

        @staticmethod
        def backward(ctx: Any, nabla_h: Tensor) -> tuple[Tensor | None, ...]:
            of_x, of_hx, of_W, of_U, of_b_ih, of_b_hh, *_ = ctx.needs_input_grad
            options = ctx.phi, ctx.steps, (of_x, of_hx, of_W, of_U, of_b_ih or of_b_hh)
            # once_differentiable would take the gradient for a constant wherever nabla_h is one.
            compute = Gradients.apply if torch.is_grad_enabled() else gradients
            nabla_x, nabla_hx, nabla_W, nabla_U, nabla_b = compute(nabla_h, *ctx.saved_tensors, *options)
            again = nabla_b.clone() if of_b_ih and of_b_hh else nabla_b  # two gradients must not share their memory
            return nabla_x, nabla_hx, nabla_W, nabla_U, nabla_b, again, None, None

    class Gradients(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *arguments: Any) -> tuple[Tensor | None, ...]:
            return gradients(*arguments)

        @staticmethod
        def backward(ctx: Any, *upstream: Any) -> Any:
            raise RuntimeError("this layer can be differentiated only once; torch.nn.RNN has second derivatives, too")

    return Elman
