"""Points, problems and random programs on which the tests of the engine try the tape, the bound and the oracles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from gradproof.problem import Place, Point, Problem

Long = np.longdouble


def problem_of(loss: Callable[..., Any], **rest: Any) -> Problem:
    """A problem without sizes; its points come from ``point_of``."""
    return Problem(name="test", sizes={}, draw=lambda sizes, rng: ({}, {}), loss=loss, **rest)


def point_of(params: Mapping[str, Any], data: Mapping[str, Any] | None = None, dtype: str = "float64") -> Point:
    """A point with these parameters; float data take the point's dtype."""
    values = {name: np.asarray(value, dtype) for name, value in params.items()}
    rest = {
        name: np.asarray(value, dtype) if np.asarray(value).dtype.kind == "f" else value
        for name, value in (data or {}).items()
    }
    return Point(Place.of({}, dtype=dtype), values, rest)


def differences(loss: Callable[..., Any], params: Mapping[str, Any], step: float = 2.0**-7) -> dict[str, Any]:
    """Gradient of a smooth ``loss(params)`` to about 1e-14, by central differences of order 8 in long double."""
    values = {name: np.asarray(value, Long) for name, value in params.items()}

    def slope(name: str, k: int, h: Any) -> Any:
        ends = []
        for t in (h, -h):
            moved = values[name].copy()
            moved.flat[k] += t
            ends.append(loss({**values, name: moved}))
        return (ends[0] - ends[1]) / (2 * h)

    def extrapolated(name: str, k: int) -> Any:
        row = [slope(name, k, Long(step) / 2**level) for level in range(4)]
        for order in range(1, 4):
            row = [(4**order * fine - coarse) / (4**order - 1) for coarse, fine in pairwise(row)]
        return row[0]

    return {
        name: np.array([extrapolated(name, k) for k in range(value.size)], Long).reshape(value.shape)
        for name, value in values.items()
    }


def weights(shape: tuple[int, ...]) -> Any:
    """Fixed weights, all different and of both signs: a plain sum would hide a gradient put in the wrong entry."""
    return np.cos(1.0 + 1.7 * np.arange(np.prod(shape, dtype=int))).reshape(shape)


def weighted(y: Any) -> Any:
    """A scalar that depends on every entry of an array, or of a list of arrays, in its own way."""
    if isinstance(y, list | tuple):
        return sum(weighted(part) * (k + 1) for k, part in enumerate(y))
    return np.sum(y * weights(np.shape(y)))


# Random programs --------------------------------------------------------------------------------------------------

OPERATIONS: dict[str, Callable[..., Any]] = {
    "x + y": lambda xp, x, y: x + y,
    "x - y": lambda xp, x, y: x - y,
    "x * y": lambda xp, x, y: x * y,
    "x / (1 + y*y)": lambda xp, x, y: x / (1 + y * y),
    "x @ y": lambda xp, x, y: x @ y,
    "x @ x.T": lambda xp, x: x @ xp.transpose(x),
    "outer": lambda xp, x, y: xp.einsum("i,j->ij", x, y),
    "einsum diagonal": lambda xp, x: xp.einsum("ii->i", x),
    "einsum of three": lambda xp, x, y, z: xp.einsum("ij,j,kj->ik", x, y, z),
    "maximum": lambda xp, x, y: xp.maximum(x, y),
    "minimum": lambda xp, x, y: xp.minimum(x, y),
    "logaddexp": lambda xp, x, y: xp.logaddexp(x, y),
    "where": lambda xp, x, y: xp.where(x > y, x + xp.sin(x - y), x),
    "concatenate": lambda xp, x, y: xp.concatenate([x, y]),
    "stack": lambda xp, x, y: xp.stack([x, y]),
    "exp": lambda xp, x: xp.exp(-xp.abs(x)),
    "expm1": lambda xp, x: xp.expm1(0.5 * x),
    "log": lambda xp, x: xp.log(0.5 + x * x),
    "log1p": lambda xp, x: xp.log1p(xp.square(x)),
    "tanh": lambda xp, x: xp.tanh(x),
    "sigmoid": lambda xp, x: 1 / (1 + xp.exp(-x)),
    "sin": lambda xp, x: xp.sin(x),
    "cos": lambda xp, x: xp.cos(3 * x),
    "arctan": lambda xp, x: xp.arctan(x),
    "sqrt": lambda xp, x: xp.sqrt(0.1 + x * x),
    "x**3": lambda xp, x: x**3,
    "x**-1.5": lambda xp, x: (1 + x * x) ** -1.5,
    "power": lambda xp, x, y: (0.3 + x * x) ** y,
    "1 - x": lambda xp, x: 1 - x,
    "abs": lambda xp, x: xp.abs(x),
    "relu": lambda xp, x: xp.maximum(x, 0 * x),
    "sum": lambda xp, x: xp.sum(x, 0),
    "sum last": lambda xp, x: xp.sum(x, -1),
    "mean": lambda xp, x: xp.mean(x, -1),
    "max": lambda xp, x: xp.max(x, 0),
    "min": lambda xp, x: xp.min(x, -1),
    "softmax": lambda xp, x: xp.exp(x) / xp.sum(xp.exp(x), 0),
    "centred": lambda xp, x: x - xp.mean(x, 0),
    "transpose": lambda xp, x: xp.transpose(x),
    "flip": lambda xp, x: xp.flip(x, (0,)),
    "reshape": lambda xp, x: x.reshape(-1),
    "row": lambda xp, x: x[-1],
    "tail": lambda xp, x: x[1:],
    "twice": lambda xp, x: x[[0, 0, -1]],
    "newaxis": lambda xp, x: x[None, :],
    "tril": lambda xp, x: xp.tril(xp.einsum("i,j->ij", x, x)),
}
OPERANDS = {name: rule.__code__.co_argcount - 1 for name, rule in OPERATIONS.items()}
SHAPES = ((), (3,), (2,), (2, 3), (3, 3), (3, 1), (1, 3))


@dataclass(frozen=True)
class Program:
    """A loss made at random: parameters of these shapes, then steps (an operation, the places of its operands)."""

    shapes: tuple[tuple[int, ...], ...]
    steps: tuple[tuple[str, tuple[int, ...]], ...]

    @classmethod
    def random(cls, seed: int, length: int = 10) -> Program:
        rng = np.random.default_rng([seed, 1])
        shapes = tuple(SHAPES[k] for k in rng.integers(len(SHAPES), size=rng.integers(1, 4)))
        program, names = cls(shapes, ()), list(OPERATIONS)
        pool = list(program.draw(seed).values())  # values too: they tell the shapes, and what would grow out of hand
        while len(program.steps) < length:
            name = names[rng.integers(len(names))]
            # Half of the operands are among the latest results, so that programs get deep.
            last = len(pool) - int(rng.integers(1, 4)) if rng.random() < 0.5 else 0
            places = tuple(int(k) for k in rng.integers(max(0, last), len(pool), size=OPERANDS[name]))
            try:
                value = np.asarray(OPERATIONS[name](np, *(pool[k] for k in places)))
            except (ValueError, IndexError):  # shapes that do not fit
                continue
            if 0 < value.size < 28 and np.max(np.abs(value)) < 10:
                pool.append(value)
                program = cls(shapes, (*program.steps, (name, places)))
        return program

    def draw(self, seed: int) -> dict[str, Any]:
        rng = np.random.default_rng([seed, 2])
        return {f"p{k}": rng.uniform(-1.5, 1.5, shape) for k, shape in enumerate(self.shapes)}

    def results(self, xp: Any, values: Any) -> list[Any]:
        """What nothing else uses: together they depend on every step."""
        pool = list(values)
        for name, places in self.steps:
            pool.append(OPERATIONS[name](xp, *(pool[k] for k in places)))
        used = {k for _, places in self.steps for k in places}
        return [value for k, value in enumerate(pool) if k not in used]

    def loss(self, params: Any, data: Any = None) -> Any:
        return weighted(self.results(np, params.values()))

    def __repr__(self) -> str:
        first = len(self.shapes)
        lines = [f"p{k}: {shape}" for k, shape in enumerate(self.shapes)]
        lines += [f"p{first + k} = {name} of {places}" for k, (name, places) in enumerate(self.steps)]
        return "; ".join(lines)


def gradients_in_torch(torch: Any, program: Program, params: Mapping[str, Any]) -> dict[str, Any]:
    """The program's gradient by PyTorch, in the dtype of the parameters."""

    class InTorch:
        exp, expm1, log, log1p, tanh = torch.exp, torch.expm1, torch.log, torch.log1p, torch.tanh
        sin, cos, arctan, sqrt, square, abs = torch.sin, torch.cos, torch.arctan, torch.sqrt, torch.square, torch.abs
        sum, mean, max, min = torch.sum, torch.mean, torch.amax, torch.amin
        maximum, minimum, logaddexp, where = torch.maximum, torch.minimum, torch.logaddexp, torch.where
        einsum, concatenate, stack, flip, tril = torch.einsum, torch.cat, torch.stack, torch.flip, torch.tril
        transpose = staticmethod(lambda x: torch.permute(x, tuple(range(x.ndim))[::-1]))

    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    total = torch.zeros((), dtype=next(iter(tensors.values())).dtype)
    for k, part in enumerate(program.results(InTorch, tensors.values())):
        total = total + (part * torch.tensor(weights(tuple(part.shape)), dtype=part.dtype)).sum() * (k + 1)
    if total.requires_grad:
        total.backward()
    return {name: np.zeros(t.shape) if t.grad is None else t.grad.numpy() for name, t in tensors.items()}
