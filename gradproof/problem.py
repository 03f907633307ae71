"""What is checked: a Problem (a scalar loss, or a layer, of named parameters), and the Points it is checked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gradproof.errors import InvalidProblem

if TYPE_CHECKING:
    from gradproof.symbolic.system import System

Params = dict[str, np.ndarray]
Data = dict[str, Any]
Sizes = Mapping[str, int]
Draw = Callable[[Sizes, np.random.Generator], tuple[Mapping[str, Any], Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """A differentiable function of named parameters, and how to draw places at which to check its gradient.

    Exactly one of ``loss`` and ``output`` is given.

    name: shown in every report.
    loss: ``loss(params, data) -> scalar``, plain NumPy; it must accept any float or complex dtype.
    output: ``output(params, data) -> array, or a tuple or dict of arrays``, for a layer. What is checked is then the
        gradient of <upstream, output> for upstreams of the output's shape.
    sizes: named dimensions with their inclusive ranges, for instance ``{"m": (1, 9), "n": (1, 8)}``.
    draw: ``draw(sizes, rng) -> (params, data)``. Parameters are real float arrays of any shape, 0-d included; floats
        are read as 0-d arrays. Data may also hold integers, strings or whatever else the loss reads.
    autograd_loss: the same function in PyTorch; it gets float64 tensors. None leaves the autograd oracle out.
    autograd_kernel: the same through a module of PyTorch's own (``nn.RNN``), a second witness; None leaves it out.
    frozen: ``frozen(params, data) -> {name: array}``: values computed from the parameters that the loss finds in its
        data and that are held constant while it is differentiated (truncated backpropagation's first state). The
        code under test does not get them.
    derived: ``derived(params, data, upstream) -> {name: array}``: the proved gradient as a program, in the precision
        of its arguments; a Formula brings it. None leaves the derivation oracle out.
    system: ``system() -> System``: the same as equations, from which mistakes are named; None: only generic ones are.
    domain: ``domain(params, data) -> bool``; points outside are not tried.
    fixed: names of data the regimes must not scale (labels, probabilities).
    pinned: further sizes that are always tried, beside the edges of ``sizes``; they may exceed the ranges.
    also_called: other names in use for a parameter, for data or for a size, ``{"W": ("Whh", "W_hh")}``, under which
        ``gradproof.styles`` finds them in somebody's code.
    """

    name: str
    sizes: Mapping[str, tuple[int, int]]
    draw: Draw
    loss: Callable[[Any, Any], Any] | None = None
    output: Callable[[Any, Any], Any] | None = None
    autograd_loss: Callable[[Any, Any], Any] | None = None
    autograd_kernel: Callable[[Any, Any], Any] | None = None
    frozen: Callable[[Any, Any], Mapping[str, Any]] | None = None
    derived: Callable[[Any, Any, Any], Mapping[str, Any]] | None = None
    system: Callable[[], System] | None = None
    domain: Callable[[Params, Data], bool] | None = None
    fixed: frozenset[str] | tuple[str, ...] = ()
    pinned: tuple[Sizes, ...] = ()
    also_called: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.loss is None) == (self.output is None):
            raise InvalidProblem(f"{self.name}: give either loss= (a scalar) or output= (a layer), not both or neither")
        for role in ("loss", "output", "draw", "autograd_loss", "autograd_kernel", "frozen", "derived", "domain"):
            if getattr(self, role) is not None and not callable(getattr(self, role)):
                raise InvalidProblem(f"{self.name}: {role}= must be a function, not {getattr(self, role)!r}")
        for size, bounds in self.sizes.items():
            if (
                not isinstance(bounds, tuple)
                or len(bounds) != 2
                or not all(isinstance(end, int) for end in bounds)
                or not 1 <= bounds[0] <= bounds[1]
            ):
                raise InvalidProblem(
                    f"{self.name}: size {size!r} needs a range (min, max) of integers, 1 <= min <= max, not {bounds!r}"
                )
        for extra in self.pinned:
            if set(extra) != set(self.sizes):
                raise InvalidProblem(f"{self.name}: pinned sizes {dict(extra)} must name {sorted(self.sizes)}")

    def __repr__(self) -> str:
        return f"Problem({self.name!r})"

    @property
    def is_layer(self) -> bool:
        return self.output is not None


@dataclass(frozen=True)
class Place:
    """The recipe of a point: everything needed to draw it again.

    sizes: value of every named dimension. seed: of the generator handed to ``draw``. regime: which stretch of the
    numbers it probes (see ``gradproof.sampling.REGIMES``). dtype: "float64" or "float32". layout: "C", "F"
    (Fortran order) or "strided" (non-contiguous views). decimals: to how many all floats but the problem's ``fixed``
    data are rounded, so that a person can calculate with them; None leaves them as drawn.
    """

    sizes: tuple[tuple[str, int], ...]
    seed: int = 0
    regime: str = "ordinary"
    dtype: str = "float64"
    layout: str = "C"
    decimals: int | None = None

    @classmethod
    def of(cls, sizes: Sizes, **rest: Any) -> Place:
        return cls(tuple(sizes.items()), **rest)

    @classmethod
    def parse(cls, text: str) -> Place:
        """The place that ``str`` wrote. Raises InvalidProblem where the text is none."""
        written = PLACE.fullmatch(text.strip())
        if written is None:
            raise InvalidProblem(f"{text!r} is no place; one is written like 'n=2, T=3, rounded to 1 decimal, seed 5'")
        sizes = (size.rpartition("=") for size in written["sizes"].split(", ") if size != "no sizes")
        return cls(
            sizes=tuple((name, int(value)) for name, _, value in sizes),
            seed=int(written["seed"]),
            regime=written["regime"] or "ordinary",
            dtype=written["dtype"] or "float64",
            layout=written["layout"] or "C",
            decimals=int(written["decimals"]) if written["decimals"] else None,
        )

    def __str__(self) -> str:
        sizes = ", ".join(f"{name}={value}" for name, value in self.sizes) or "no sizes"
        odd = [self.regime] if self.regime != "ordinary" else []
        odd += [self.dtype] if self.dtype != "float64" else []
        odd += [f"layout {self.layout}"] if self.layout != "C" else []
        if self.decimals is not None:
            odd += [f"rounded to {self.decimals} decimal{'s' * (self.decimals != 1)}"]
        return ", ".join([sizes, *odd, f"seed {self.seed}"])


PLACE = re.compile(
    r"(?P<sizes>no sizes|[^,=]+=\d+(, [^,=]+=\d+)*)"
    r"(, (?P<regime>(?!float|layout|rounded|seed)[^,=]+))?"
    r"(, (?P<dtype>float\d+))?"
    r"(, layout (?P<layout>\w+))?"
    r"(, rounded to (?P<decimals>\d+) decimals?)?"
    r", seed (?P<seed>\d+)"
)
"""What ``str`` of a Place writes."""


@dataclass(frozen=True, eq=False)
class Point:
    """A place with its values: what one call of the code under test sees.

    params: float arrays of the place's dtype and layout. data: float arrays likewise, the rest as drawn.
    upstream: for a layer, the gradient flowing in, of the structure of the output; None for a loss.
    """

    place: Place
    params: Params
    data: Data
    upstream: Any = field(default=None)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.place.dtype)

    def __repr__(self) -> str:
        return f"Point({self.place})"


@dataclass(frozen=True, kw_only=True, eq=False)
class Implementation:
    """Code that claims a gradient, filed under the key of the formula it implements.

    key: the formula's key. loss or output: the forward pass in NumPy, as for Problem. gradients: the code under test,
    a function ``gradients(params, data) -> {name: array}`` (a layer's takes ``upstream`` as third argument), or an
    object with ``forward`` and ``backward``. autograd_loss, autograd_kernel: the forward in PyTorch, as for Problem.
    """

    key: str
    gradients: Any
    loss: Callable[[Any, Any], Any] | None = None
    output: Callable[[Any, Any], Any] | None = None
    autograd_loss: Callable[[Any, Any], Any] | None = None
    autograd_kernel: Callable[[Any, Any], Any] | None = None

    def __repr__(self) -> str:
        return f"Implementation({self.key!r})"
