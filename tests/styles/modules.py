"""Modules of PyTorch with a backward pass of their own, and functions of tensors."""

import torch


class Perceptron(torch.nn.Module):
    """Sets the ``grad`` of its parameters. multiple-linear-regression."""

    def __init__(self, input_size):
        super().__init__()
        self.linear = torch.nn.Linear(input_size, 1)

    def forward(self, X):
        return self.linear(X)[:, 0]

    @torch.no_grad()
    def backward(self, X, y, y_pred):
        slope = 2 * (y_pred - y) / len(y)
        self.linear.weight.grad = (slope @ X)[None]
        self.linear.bias.grad = slope.sum()[None]


class Outputs(torch.nn.Module):
    """Has no backward pass, and returns no loss."""

    def __init__(self, input_size):
        super().__init__()
        self.linear = torch.nn.Linear(input_size, 1)

    def forward(self, X):
        return self.linear(X)[:, 0]


class Square(torch.autograd.Function):
    """With the context set up apart from the forward pass. square."""

    @staticmethod
    def forward(number):
        return number**2

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, grad_output):
        return 2 * ctx.saved_tensors[0] * grad_output


class WritesIntoTheUpstream(torch.autograd.Function):
    """vector-chain-rule."""

    @staticmethod
    def forward(ctx, x, A, d):
        y = torch.tanh(A @ x + d)
        ctx.save_for_backward(A, y)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        A, y = ctx.saved_tensors
        grad_output *= 1 - y**2
        return A.T @ grad_output, None, None


def in_tensors(params, data):
    residual = torch.mv(data["X"], params["w"]) + params["b"] - data["y"]
    return {"w": 2 * torch.mv(data["X"].T, residual) / len(residual), "b": 2 * residual.mean()}
