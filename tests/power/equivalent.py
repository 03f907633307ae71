"""Mutants that are no mistakes: what they return is right wherever the formula can be asked."""

from __future__ import annotations

REASONS: dict[str, dict[str, tuple[str, ...]]] = {
    "The factor is 1: dv/du and dv/db of v = u + b, dz/db of z = w1 x1 + w2 x2 + b.": {
        "relu-neuron": (
            "'w': da_dv / dv_du * du_dw, not da_dv * dv_du * du_dw",
            "'w': da_dv * du_dw, not da_dv * dv_du * du_dw",
            "'b': da_dv, not da_dv * dv_db",
        ),
        "sigmoid-neuron": (
            "'w': da_dv * dv_db * du_dw, not da_dv * dv_du * du_dw",
            "'w': da_dv / dv_du * du_dw, not da_dv * dv_du * du_dw",
            "'w': da_dv * du_dw, not da_dv * dv_du * du_dw",
            "'b': da_dv, not da_dv * dv_db",
        ),
        "logistic-neuron": ("'b': dL_dz, not dL_dz * dz_db",),
    },
    "Both are arrays of ones of the same shape, and each is read once: the derivatives of a sum by its two terms.": {
        "sum": ("'x' and 'y' exchanged",),
        "product-plus": ("'b': dh_dc * dtmp_db, not dh_dtmp * dtmp_db",),
    },
    "The two differ at v = 0 only, where max(v, 0) has no derivative: the domain of the formula ends there.": {
        "relu-neuron": ("da_dv = (v >= 0).astype(v.dtype), not (v > 0).astype(v.dtype)",),
    },
    "A vector of one axis is its own transpose.": {
        "gradient-descent-step": (
            "return 2 * (X.T @ (X @ w - y).T) / len(X), not 2 * (X.T @ (X @ w - y)) / len(X)",
            "return 2 * (X.T @ (X @ w.T - y)) / len(X), not 2 * (X.T @ (X @ w - y)) / len(X)",
            "'eta': -(squared_error_gradient(X, y, w_after).T @ before), "
            "not -(squared_error_gradient(X, y, w_after) @ before)",
            "'eta': -(squared_error_gradient(X, y, w_after) @ before.T), "
            "not -(squared_error_gradient(X, y, w_after) @ before)",
        ),
        "logistic-regression": ("'w': data['X'].T @ dz.T, not data['X'].T @ dz",),
        "multiple-linear-regression": (
            "'w': 2 * (data['X'].T @ difference.T) / len(difference), "
            "not 2 * (data['X'].T @ difference) / len(difference)",
        ),
        "vector-chain-rule": ("'x': nabla_x_y @ nabla_y_z.T, not nabla_x_y @ nabla_y_z",),
        "sentiment-rnn": ("nabla_h[t - 1] = V.T @ nabla_y[t - 1].T + carry, not V.T @ nabla_y[t - 1] + carry",),
        "rnn-relu": ("carry = W.T @ delta[t - 1].T, not W.T @ delta[t - 1]",),
    },
    "The inner product of two vectors is symmetric.": {
        "gradient-descent-step": (
            "'eta': -(before @ squared_error_gradient(X, y, w_after)), "
            "not -(squared_error_gradient(X, y, w_after) @ before)",
        ),
    },
    "The array has one axis, so that its first axis is its last.": {
        "logistic-regression": ("dz = (a - y) / np.shape(y)[-1], not (a - y) / len(y)",),
        "class-cross-entropy": (
            "is_c = (np.arange(np.shape(p)[-1]) == data['c']).astype(p.dtype), "
            "not (np.arange(len(p)) == data['c']).astype(p.dtype)",
        ),
    },
    "Truth values become 0 and 1 in a difference with floats, which keeps its dtype, and in an array of floats.": {
        "class-cross-entropy": (
            "is_c = np.arange(len(p)) == data['c'], not (np.arange(len(p)) == data['c']).astype(p.dtype)",
        ),
        "rnn-relu": ("h > 0, not (h > 0).astype(h.dtype)",),
    },
    "zeros_like reads no more than shape and dtype: every h[t] and every slope has those of h[0].": {
        "rnn-relu": ("carry = np.zeros_like(slope[0]), not np.zeros_like(h[0])",),
        "rnn-tanh-each-squared": ("carry = np.zeros_like(h[-1]), not np.zeros_like(h[0])",),
        "rnn-tanh-each-half-squared": ("carry = np.zeros_like(h[1]), not np.zeros_like(h[0])",),
    },
    "All parameters have one dtype, and data of floats have the same.": {
        "character-rnn-rtrl": (
            "V for W in x, y = (np.asarray(data['x']).astype(W.dtype), targets(data, W.d ...",
            "x, y = (np.asarray(data['x']), targets(data, W.dtype)), "
            "not (np.asarray(data['x']).astype(W.dtype), targets(data, W.dtype))",
        ),
    },
    "Neither of the two statements reads what the other writes.": {
        "character-rnn-rtrl": ("gradients['V'] += np.outer(nabla_o, h) before nabla_h = V.T @ nabla_o",),
    },
}
"""Why something is no mistake, and of what formulas which mutants it is true."""

EQUIVALENT = {(key, name): reason for reason, mutants in REASONS.items() for key in mutants for name in mutants[key]}
"""The reason by the key and the name of the mutant."""
