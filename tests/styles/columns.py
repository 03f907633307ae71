"""A network of column vectors that reads one word a step, and the ways in which its backward pass gives gradients."""

import numpy as np


class RNN:
    def __init__(self, input_size, output_size, hidden_size=64):
        rng = np.random.default_rng(1)
        self.Whh = rng.normal(size=(hidden_size, hidden_size)) / 1000
        self.Wxh = rng.normal(size=(hidden_size, input_size)) / 1000
        self.Why = rng.normal(size=(output_size, hidden_size)) / 1000
        self.bh = np.zeros((hidden_size, 1))
        self.by = np.zeros((output_size, 1))

    def forward(self, inputs):
        h = np.zeros_like(self.bh)
        self.inputs, self.hs = inputs, [h]
        for x in inputs:
            h = np.tanh(self.Wxh @ x + self.Whh @ h + self.bh)
            self.hs.append(h)
        return self.Why @ h + self.by, h

    def slopes(self, d_y):
        d_Whh, d_Wxh, d_bh = np.zeros_like(self.Whh), np.zeros_like(self.Wxh), np.zeros_like(self.bh)
        d_h = self.Why.T @ d_y
        for t in reversed(range(len(self.inputs))):
            d_z = (1 - self.hs[t + 1] ** 2) * d_h
            d_bh += d_z
            d_Whh += d_z @ self.hs[t].T
            d_Wxh += d_z @ self.inputs[t].T
            d_h = self.Whh.T @ d_z
        return d_Wxh, d_Whh, d_y @ self.hs[-1].T, d_bh, d_y.copy()

    def update(self, learn_rate, d_Wxh, d_Whh, d_Why, d_bh, d_by):
        self.Wxh -= learn_rate * d_Wxh
        self.Whh -= learn_rate * d_Whh
        self.Why -= learn_rate * d_Why
        self.bh -= learn_rate * d_bh
        self.by -= learn_rate * d_by


class ReturnsTuple(RNN):
    """In an order of its own."""

    def backprop(self, d_y):
        return self.slopes(d_y)


class ReturnsDict(RNN):
    def backprop(self, d_y):
        d_Wxh, d_Whh, d_Why, d_bh, d_by = self.slopes(d_y)
        return {"d_Wxh": d_Wxh, "d_Whh": d_Whh, "d_Why": d_Why, "d_bh": d_bh, "d_by": d_by}


class KeepsThem(RNN):
    def backprop(self, d_y):
        self.dWxh, self.dWhh, self.dWhy, self.dbh, self.dby = self.slopes(d_y)


class UpdatesInPlace(RNN):
    def backprop(self, d_y, learn_rate=2e-2):
        self.update(learn_rate, *(np.clip(d, -1, 1) for d in self.slopes(d_y)))


class UpdatesByAttribute(RNN):
    """The weights are other arrays afterwards."""

    def __init__(self, input_size, output_size, hidden_size=64, lr=0.1):
        super().__init__(input_size, output_size, hidden_size)
        self.lr = lr

    def backprop(self, d_y):
        d_Wxh, d_Whh, d_Why, d_bh, d_by = self.slopes(d_y)
        self.Wxh, self.Whh = self.Wxh - self.lr * d_Wxh, self.Whh - self.lr * d_Whh
        self.Why, self.bh, self.by = self.Why - self.lr * d_Why, self.bh - self.lr * d_bh, self.by - self.lr * d_by


class UpdatesByAnUnknownRate(RNN):
    def backprop(self, d_y):
        self.update(0.02, *self.slopes(d_y))


class ClipsWhatItReturns(RNN):
    def backprop(self, d_y):
        return tuple(np.clip(d, -0.1, 0.1) for d in self.slopes(d_y))


class ForgetsATranspose(UpdatesInPlace):
    def slopes(self, d_y):
        self.Whh = self.Whh.T
        try:
            return super().slopes(d_y)
        finally:
            self.Whh = self.Whh.T
