"""What the comparison asks of a checker: is this code right, at this place? And what the peers are shown for it."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import metadata
from typing import Any

import numpy as np

from gradproof.candidate import Candidate
from gradproof.objective import objective
from gradproof.problem import Place, Point, Problem
from gradproof.sampling import draw_point, pinned_places

Array = np.ndarray


class Checker(ABC):
    """A way to check hand-written gradients. name: of its column. distribution: the package that it comes with."""

    name: str
    distribution: str

    @property
    def version(self) -> str:
        """Of the installed distribution; "" where there is none."""
        try:
            return metadata.version(self.distribution)
        except metadata.PackageNotFoundError:
            return ""

    @property
    def not_run(self) -> str:
        """Why it cannot be asked, or ""."""
        return "" if self.version else f"{self.distribution} is not installed"

    @abstractmethod
    def accepts(self, problem: Problem, code: Any, at: Place) -> bool | None:
        """Whether it takes the code as right at one place; None where it gives no answer."""

    @abstractmethod
    def rejected_at(self, problem: Problem, make: Callable[[], Any], fair: Callable[[Place], bool]) -> Place | None:
        """The first of the fair places at which it rejects the code, which ``make`` returns fresh; None of none.

        The first place of all is the middle one.
        """


class Peer(Checker):
    """Somebody else's checker: it looks at one point, and is given all of gradproof's pinned ones."""

    def rejected_at(self, problem: Problem, make: Callable[[], Any], fair: Callable[[Place], bool]) -> Place | None:
        places = (place for place in pinned_places(problem) if fair(place))
        return next((place for place in places if self.accepts(problem, make(), place) is False), None)

    def accepts(self, problem: Problem, code: Any, at: Place) -> bool | None:
        """Whatever is raised on the way is a rejection: the code's own error, or the peer's about what it returned."""
        point = draw_point(problem, at)
        if point is None:
            return None
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")  # torch warns of float32; what it then says is what counts
                return self.agrees(Case(problem, Candidate(problem, code), point))
        except Exception:
            return False

    @abstractmethod
    def agrees(self, case: Case) -> bool:
        """Whether the peer, called as its documentation shows, finds nothing. May raise instead."""


@dataclass(frozen=True, eq=False)
class Case:
    """A problem, code and a point as peers see them: a function of arrays, and its backward pass.

    What is held constant in the loss is held at its values at the point. The output of a layer is one array.
    """

    problem: Problem
    candidate: Candidate
    point: Point

    @property
    def arrays(self) -> list[Array]:
        """The parameters, in the order of their names."""
        return list(self.point.params.values())

    def named(self, arrays: Any) -> dict[str, Array]:
        return dict(zip(self.point.params, arrays, strict=True))

    def forward(self, *arrays: Array) -> Array:
        """The loss, 0-d, or the layer's output."""
        if not self.problem.is_layer:
            return self.scalar(*arrays)
        with np.errstate(all="ignore"):
            return np.asarray(self.problem.output(self.named(arrays), dict(self.point.data)))

    def backward(self, upstream: Any, *arrays: Array) -> list[Array]:
        """The gradient of <upstream, forward> by the code under test, for each parameter."""
        upstream = np.asarray(upstream, self.point.dtype)
        if self.problem.is_layer:
            return self.asked(arrays, upstream)
        return [upstream * gradient for gradient in self.asked(arrays, None)]

    def scalar(self, *arrays: Array) -> Array:
        """The loss, or <the point's upstream, output>, for those who check nothing else."""
        with np.errstate(all="ignore"):
            return np.asarray(self.objective(self.named(arrays)))

    def gradients(self, *arrays: Array) -> list[Array]:
        """The gradients of ``scalar`` by the code under test."""
        return self.asked(arrays, self.point.upstream)

    def asked(self, arrays: Any, upstream: Any) -> list[Array]:
        """What the code returns, by parameter. Raises Crashed with the code, KeyError where one is missing."""
        here = replace(self.point, params=self.named(arrays), upstream=upstream)
        _, returned = self.candidate.gradients(here)
        return [np.asarray(returned[name]) for name in self.point.params]

    @cached_property
    def objective(self) -> Any:
        return objective(self.problem, self.point)
