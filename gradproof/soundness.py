"""The problem itself: whether it can be checked at all, its points and the reference at each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradproof import conduct
from gradproof.bound import Reference, reference
from gradproof.errors import CannotTrace, GradproofError, InvalidProblem, NoPrecision
from gradproof.fallback import assumed_reference
from gradproof.objective import objective
from gradproof.problem import Place, Point, Problem
from gradproof.sampling import draw_point, edge_sizes

ONLY_RNG = "draw and domain may use nothing random but the rng they are given"


class Ground:
    """A problem whose draws and loss are watched: what is wrong with them is an InvalidProblem, raised where met.

    assumed: why the bound is not computed (the loss cannot be traced), or "".
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.assumed = ""
        self.names: dict[str, set[str]] = {}

    def probe(self) -> None:
        """Look at the edges of the sizes, before any code is tested: a mistake here is the caller's to hear first."""
        unused: set[str] | None = None
        for seed, sizes in enumerate(edge_sizes(replace(self.problem, pinned=()))):
            point = self.draw(Place.of(sizes, seed=seed))
            if point is None:
                continue
            if conduct.snapshot(point) != conduct.snapshot(self.draw_again(point)):
                raise self.invalid(f"two draws at {point.place} differ; {ONLY_RNG}")
            try:
                known = self.refer(point)
            except NoPrecision:
                continue
            unused = set(known.unused) if unused is None else unused & known.unused
        if unused:
            raise self.invalid(f"the loss ignores the parameter {', '.join(sorted(unused))}")

    def draw(self, place: Place) -> Point | None:
        """The point at a place, None outside the domain; the names drawn must be the same everywhere."""
        point = draw_point(self.problem, place)
        if point is not None:
            for role, names in {"parameters": set(point.params), "data": set(point.data)}.items():
                before = self.names.setdefault(role, names)
                if before != names:
                    raise self.invalid(f"draw returned the {role} {sorted(names)} at {place}, {sorted(before)} before")
        return point

    def draw_again(self, point: Point) -> Point:
        """The same point in arrays of its own, for code that may write into them."""
        again = draw_point(self.problem, point.place)
        if again is None:
            raise self.invalid(f"two draws at {point.place} differ; {ONLY_RNG}")
        return again

    def neighbour(self, point: Point) -> Point | None:
        """Other, ordinary values at the same sizes; not rounded, for few round numbers may be the same again."""
        return self.draw(replace(point.place, seed=point.place.seed + 1, regime="ordinary", decimals=None))

    def refer(self, point: Point) -> Reference:
        """Gradient and bound at a point. Raises NoPrecision where no statement is possible."""
        self.run_plainly(point)
        if not self.assumed:
            try:
                return reference(self.problem, point)
            except CannotTrace as reason:
                self.assumed = str(reason)
            except GradproofError:
                raise
            except Exception as error:  # it runs on plain arrays, so what it cannot use is the tape's array
                refusal = error.__cause__  # NumPy may have wrapped the tape's own refusal
                other = f"the loss fails on the tape's arrays: {type(error).__name__}: {error}"
                self.assumed = str(refusal) if isinstance(refusal, CannotTrace) else other
        return assumed_reference(self.problem, point)

    def run_plainly(self, point: Point) -> None:
        """The loss must run on plain arrays, leave them alone and, at ordinary places, be real and finite."""
        before = conduct.snapshot(point)
        try:
            with np.errstate(all="ignore"):
                value = objective(self.problem, point)(point.params)
        except GradproofError:
            raise
        except Exception as error:
            raise self.invalid(f"the loss raised {type(error).__name__} at {point.place}: {error}") from error
        for array in conduct.changed(point, before):
            raise self.invalid(f"the loss changes {array}; it must leave its arguments alone")
        if np.asarray(value).dtype.kind not in "fiuc":
            raise self.invalid(f"the loss returned {np.asarray(value).dtype}, not a real number, at {point.place}")
        if np.iscomplexobj(value):
            raise self.invalid("the loss is complex at real parameters; it must be real")
        if not np.isfinite(np.asarray(value, np.longdouble)):
            if point.place.regime == "ordinary":
                raise self.invalid(f"the loss is {value} at {point.place}; draw other values, or give a domain=")
            raise NoPrecision(f"the loss is not finite in {point.dtype}")

    def invalid(self, message: str) -> InvalidProblem:
        return InvalidProblem(f"{self.problem.name}: {message}")
