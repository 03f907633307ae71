"""JAX: ``lax.scan`` over the steps, ``value_and_grad``, compiled; arrays lie on the device before the clock runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.benchmarks.shapes import Point


def scan(point: Point) -> Any:
    """Compiled ahead, which calls 1 to 2 % slower than through ``jit``, and needs no setting of the whole process."""
    import jax

    double = point.x.dtype == np.float64
    running = np.arange(len(point.x))[:, None] < point.ends
    with jax.enable_x64(double):
        params = {name: jax.numpy.asarray(value) for name, value in point.params.items()}
        x, target = jax.numpy.asarray(point.x), jax.numpy.asarray(point.target)
        steps = x if point.lengths is None else (x, jax.numpy.asarray(running))
        compiled = jax.jit(jax.value_and_grad(loss_of(point))).lower(params, steps, target).compile()

    def call() -> tuple[Any, dict[str, Any]]:
        return jax.block_until_ready(compiled(params, steps, target))

    return call


def loss_of(point: Point) -> Any:
    """The loss as a function of params, the steps' inputs and the targets."""
    import jax
    import jax.numpy as jnp

    phi = {"tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}[point.activation]
    ragged, each = point.lengths is not None, point.outputs == "each"
    if ragged and each:
        raise NotImplementedError("ragged batches with a loss at each step are no shape here")

    def loss(params: Any, steps: Any, target: Any) -> Any:
        W, U, V = params["W"], params["U"], params["V"]
        b, c = params.get("b", 0), params.get("c", 0)

        def step(h: Any, inputs: Any) -> Any:
            x, running = inputs if ragged else (inputs, None)
            after = phi(h @ W.T + x @ U.T + b)
            h = jnp.where(running[:, None], after, h) if ragged else after
            return h, h if each else None

        x = steps[0] if ragged else steps
        last, states = jax.lax.scan(step, jnp.zeros((x.shape[1], len(W)), x.dtype), steps)
        y = (states if each else last) @ V.T + c
        if point.loss == "cross-entropy":
            return -jnp.take_along_axis(jax.nn.log_softmax(y), target[..., None], axis=-1).sum()
        half = 0.5 if point.loss == "half squared error" else 1
        return half * ((y - target) ** 2).sum()

    return loss
