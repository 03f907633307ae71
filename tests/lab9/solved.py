"""The recurrent network of Lab 9 in the shape its exercise prescribes, solved: torch tensors, one output."""

import torch


class RNN:
    def __init__(self, hidden_state_size=10, num_features=6):
        self.hidden_state_size, self.num_features = hidden_state_size, num_features
        self.u = torch.randn(hidden_state_size, num_features)
        self.w = torch.randn(hidden_state_size, hidden_state_size)
        self.v = torch.randn(hidden_state_size)
        self.b = torch.zeros(hidden_state_size)
        self.c = torch.zeros(1)

    def forward(self, x):
        """All hidden states (T, n) and the prediction (1,) for a sequence x (T, d)."""
        h = torch.zeros((len(x) + 1, self.hidden_state_size))
        for t in range(len(x)):
            h[t + 1] = torch.tanh(self.w @ h[t] + self.u @ x[t] + self.b)
        return h[1:], self.v @ h[-1] + self.c

    def __call__(self, x):
        return self.forward(x)

    def _compute_grad_h(self, y_true, y_pred, hidden):
        grad_h = torch.zeros_like(hidden)
        grad_h[-1] = 2 * (y_pred - y_true) * self.v
        for i in reversed(range(len(hidden) - 1)):
            grad_h[i] = self.w.T @ ((1 - hidden[i + 1] ** 2) * grad_h[i + 1])
        return grad_h

    def _compute_grad_c(self, y_true, y_pred):
        return 2 * (y_pred - y_true)

    def _compute_grad_b(self, hidden, grad_h):
        grad_b = torch.zeros_like(self.b)
        for t in range(len(hidden)):
            grad_b += (1 - hidden[t] ** 2) * grad_h[t]
        return grad_b

    def _compute_grad_v(self, y_true, y_pred, hidden):
        return 2 * (y_pred - y_true) * hidden[-1]

    def _compute_grad_w(self, hidden, grad_h):
        grad_w = torch.zeros_like(self.w)
        for t in range(1, len(hidden)):
            grad_w += torch.outer((1 - hidden[t] ** 2) * grad_h[t], hidden[t - 1])
        return grad_w

    def _compute_grad_u(self, hidden, grad_h, x):
        grad_u = torch.zeros_like(self.u)
        for t in range(len(hidden)):
            grad_u += torch.outer((1 - hidden[t] ** 2) * grad_h[t], x[t])
        return grad_u

    def get_gradients(self, x, y_true, y_pred, hidden):
        grad_h = self._compute_grad_h(y_true, y_pred, hidden)
        return {
            "grad_c": self._compute_grad_c(y_true, y_pred),
            "grad_b": self._compute_grad_b(hidden, grad_h),
            "grad_v": self._compute_grad_v(y_true, y_pred, hidden),
            "grad_w": self._compute_grad_w(hidden, grad_h),
            "grad_u": self._compute_grad_u(hidden, grad_h, x),
        }
