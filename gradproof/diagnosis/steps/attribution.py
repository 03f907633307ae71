"""Which steps a wrong gradient of a recurrence goes wrong at, where its proved formula is a sum over the steps.

The formula says what each step contributes, and for a product, ``sum_t e[t] (x) h[t-1]``, what the error signal e[t] is
multiplied with. So steps that are missing, or counted twice, are found by trying; and the error of an error signal by
solving for it, where fewer steps than entries of h leave one solution.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gradproof.bound import Reference
from gradproof.candidate import Candidate, Crashed
from gradproof.diagnosis import probe
from gradproof.diagnosis.derived.phrases import Phrases
from gradproof.diagnosis.evidence import Array, Evidence
from gradproof.diagnosis.generic.forms import CLEAR, TELLING, explained
from gradproof.diagnosis.steps.step_sums import StepSums, step_sums
from gradproof.problem import Place, Point, Problem
from gradproof.soundness import Ground

COUNTS = (3, 4, 3, 4)
"""How many steps the points have: first and last are two, and few enough to be told apart in the error of a product."""

LARGEST = 8
"""The largest number of units: more than there are steps, where the ranges leave it."""

CONDITIONED = 1e4
"""The largest condition of what error signals are multiplied with, for them to be solved for."""


@dataclass(frozen=True)
class Attribution:
    """What is said about the steps of one parameter's gradient: a sentence without its full stop."""

    parameter: str
    words: str


@dataclass(frozen=True)
class Steps:
    """Some of the steps, however many there are.

    words: what they are called, with ``{T}`` for the last. rest: the same for all other steps. chosen: whether step t
    of so many is one of them.
    """

    words: str
    rest: str
    chosen: Callable[[Array, int], Array]

    def mask(self, count: int) -> Array:
        return self.chosen(np.arange(1, count + 1), count)


SOME = (
    Steps("step 1", "all others", lambda t, last: t == 1),
    Steps("step {T}", "all others", lambda t, last: t == last),
    Steps("step 2", "all others", lambda t, last: t == 2),
    Steps("step {T} - 1", "all others", lambda t, last: t == last - 1),
    Steps("all steps but {T}", "step {T}", lambda t, last: t < last),
    Steps("all steps but 1", "step 1", lambda t, last: t > 1),
    Steps("all steps but 1 and {T}", "steps 1 and {T}", lambda t, last: (t > 1) & (t < last)),
    Steps("all steps but the last two", "the last two", lambda t, last: t < last - 1),
)
ALL = Steps("every step", "none", lambda t, last: t > 0)


def steps(evidence: Sequence[Evidence]) -> list[Attribution]:
    """What the steps have to do with the wrong gradients, one sentence for each of which something can be said.

    evidence: points of one problem, of several numbers of steps, see ``step_evidence``. Nothing is said of a gradient
    that is no sum over the steps of a recursion, or where the points leave more than one reading.
    """
    sums = step_sums(evidence[0].problem.system) if evidence and evidence[0].problem.system is not None else None
    if sums is None:
        return []
    seen = [Seen(e, sums.at(e.point)) for e in evidence]
    found = []
    for name in sums.sums:
        if not all(e.claims(name) for e in seen) or all(e.has_multiple(name) for e in seen):
            continue
        words = next(itertools.chain(counted(seen, name), solved(seen, name, sums)), None)
        found += [Attribution(name, words.format(T=sums.last))] if words else []
    return found


@dataclass(frozen=True, eq=False)
class Seen:
    """A point, and what each step contributes there (see ``StepSums.at``)."""

    evidence: Evidence
    parts: Mapping[str, Array]

    def claims(self, name: str) -> bool:
        """Whether there is a finite claim of the right shape."""
        claimed = self.evidence.claimed.get(name)
        return claimed is not None and claimed.shape == self.exact(name).shape and bool(np.all(np.isfinite(claimed)))

    def exact(self, name: str) -> Array:
        return self.evidence.known.gradients[name]

    def has_multiple(self, name: str) -> bool:
        """Whether the claim is a number, 1 or 0 too, times the exact gradient: the steps have no part in that."""
        claimed, exact = self.evidence.claimed[name], self.exact(name)
        share = np.sum(claimed * exact) / np.sum(exact * exact) if np.any(exact) else np.longdouble(0)
        return self.evidence.reproduces(name, exact * share)

    def contributions(self, name: str) -> Array:
        return self.parts[f"contribution_{name}"]


# ---- missing, or counted twice ------------------------------------------------------------------------------------


def counted(seen: Sequence[Seen], name: str) -> Iterator[str]:
    """Steps whose contribution, counted another number of times than once, makes the claim at every point."""
    parts = {e.evidence: e.contributions(name) for e in seen}
    for some in SOME:
        for times, what in ((0, "missing"), (2, "counted twice")):

            def value(e: Evidence, some: Steps = some, times: int = times) -> Array:
                chosen = some.mask(len(parts[e]))
                return e.known.gradients[name] + (times - 1) * np.sum(parts[e][chosen], axis=0)

            if explained([e.evidence for e in seen], name, value):
                noun, verb = ("contributions", "are") if some.words.startswith("all") else ("contribution", "is")
                yield f"the {noun} of {some.words} {verb} {what}"


# ---- a wrong error signal -----------------------------------------------------------------------------------------


def solved(seen: Sequence[Seen], name: str, sums: StepSums) -> Iterator[str]:
    """The steps at which the error signal is wrong, if what it is multiplied with is right."""
    one = sums.sums[name]
    if one.factor is None:
        return
    found = [signal for e in seen if (signal := Signal.of(e, name, one.axis)) is not None]
    if sum(bool(np.any(signal.wrong)) for signal in found) < TELLING or not all(s.is_of_the_form for s in found):
        return
    subject = f"the error signal, what {Phrases(sums.program.system)(one.factor)} is multiplied with,"
    for some in (ALL, *SOME):
        if all(np.array_equal(signal.wrong, some.mask(len(signal.wrong)) & signal.known) for signal in found):
            yield f"{subject} is wrong at {some.words}" + ("" if some is ALL else f", right at {some.rest}")


@dataclass(frozen=True, eq=False)
class Signal:
    """The error of an error signal, solved for at one point.

    wrong: at which steps it is not zero. known: at which it could be solved for; not where it is multiplied with zero.
    is_of_the_form: whether an error signal can have caused the error of the gradient at all.
    """

    wrong: Array
    known: Array
    is_of_the_form: bool

    @classmethod
    def of(cls, seen: Seen, name: str, axis: int) -> Signal | None:
        """None where there is more than one solution. axis: the one of the gradient that the factor brings."""
        factor = seen.parts[f"factor_{name}"].astype(float)
        rows = factor.reshape(-1, factor.shape[-1])  # one for each step, and window of a batch
        used = np.any(rows, axis=1)
        if not np.any(used) or np.sum(used) > rows.shape[1]:
            return None
        condition = float(np.linalg.cond(rows[used]))
        if condition > CONDITIONED:
            return None
        claimed, exact = seen.evidence.claimed[name], seen.exact(name)
        gap = np.moveaxis(np.asarray(claimed - exact, float), axis, -1).reshape(-1, rows.shape[1])
        solution = np.linalg.lstsq(rows[used].T, gap.T, rcond=None)[0]
        allowed = CLEAR * float(np.max(seen.evidence.allowed(name, claimed))) * condition
        off = np.zeros(len(rows), bool)
        off[used] = np.any(np.abs(solution) * np.linalg.norm(rows[used], axis=1)[:, None] > allowed, axis=1)
        fits = bool(np.all(np.abs(gap - solution.T @ rows[used]) <= allowed))
        per_step = (len(factor), -1)
        return cls(np.any(off.reshape(per_step), axis=1), np.any(used.reshape(per_step), axis=1), fits)


# ---- the points ---------------------------------------------------------------------------------------------------


def step_evidence(problem: Problem, candidate: Candidate) -> list[Evidence]:
    """What the code claims at points that have more units than steps, so that error signals can be solved for.

    Empty where no gradient of the problem is a sum over steps, or the code raises.
    """
    try:
        return [
            Evidence(problem, point, known, probe.arrays(candidate.gradients(probe.own(problem, point))[1]))
            for point, known in step_points(problem)
        ]
    except Crashed:
        return []


@functools.lru_cache(64)  # for many gradients of one problem
def step_points(problem: Problem) -> tuple[tuple[Point, Reference], ...]:
    ground, found = Ground(problem), list[tuple[Point, Reference]]()
    for number, sizes in enumerate(step_sizes(problem)):
        places = [Place.of(sizes, seed=1000 * number + seed) for seed in range(probe.TRIES)]
        tried = probe.candidates(ground, places)
        found += itertools.islice(((point, known) for point, known in tried if probe.tells(known)), 1)
    return tuple(found)


def step_sizes(problem: Problem) -> Iterator[dict[str, int]]:
    """COUNTS of steps, the sizes of parameters as large as they may be, and all others, a batch's, as small."""
    sums = step_sums(problem.system) if problem.system is not None else None
    if sums is None or sums.last not in problem.sizes:
        return
    for count in COUNTS:
        sizes = {n: min(high, LARGEST) if n in sums.sizes else low for n, (low, high) in problem.sizes.items()}
        low, high = problem.sizes[sums.last]
        yield {**sizes, sums.last: min(max(count, low), high)}
