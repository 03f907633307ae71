"""docs/: the blocks of the two pages on the method run, what they say of the engine is so, and links lead somewhere."""

import contextlib
import io
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from gradproof import Implementation, Place, Problem, verify
from gradproof.candidate import Candidate
from gradproof.compare import SHARP
from gradproof.diagnosis.probe import FRESH, POINTS
from gradproof.errors import NoPrecision
from gradproof.fallback import SLACK
from gradproof.problem import Point
from gradproof.sampling import BUDGETS, DTYPES, REGIMES, middle_sizes
from gradproof.soundness import Ground
from tests.catalogue import FORMULAS, IMPLEMENTATIONS, both
from tests.test_readme import ROOT, blocks, shape

DOCS = ROOT / "docs"
BOUND = (DOCS / "the-bound.md").read_text("utf-8")
LIMITS = (DOCS / "what-this-cannot-catch.md").read_text("utf-8")
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize(("page", "printing"), [(BOUND, 2), (LIMITS, 0)], ids=["the-bound", "what-this-cannot-catch"])
def test_every_block_runs_and_prints_what_is_shown(page, printing):
    namespace, printed, shown = {}, "", 0
    for language, content in blocks(page, "python", "text"):
        if language == "python":
            assert not printed, "what a block prints is shown below it"
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(content, namespace)
            printed = output.getvalue()
        else:
            assert shape(printed) == shape(content)
            printed, shown = "", shown + 1
    assert shown == printing


# Links and names ------------------------------------------------------------------------------------------------------


def prose(text):
    """The page without its code, where brackets mean something else."""
    return re.sub(r"^```.*?^```$|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text):
    """What links to the headings of a page end with, as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page):
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose(text)):
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text("utf-8")), target


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_every_page_is_linked_from_the_readme(page):
    assert f"(docs/{page.name}" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("page", [BOUND, LIMITS], ids=["the-bound", "what-this-cannot-catch"])
def test_every_path_that_is_named_exists(page):
    paths = re.findall(r"`((?:gradproof|tests|docs)/[\w/.-]+)`", page)
    assert paths
    assert all((ROOT / path).exists() for path in paths)


# Numbers of the engine ------------------------------------------------------------------------------------------------


def test_the_constants_are_those_of_the_engine():
    words = " ".join((BOUND + LIMITS).split())  # a line may end anywhere
    assert f"below {100 * SHARP:g} % of its largest" in words
    assert f"{SLACK:g} $(u + u_{{ref}})$" in BOUND
    random = [str(budget.random) for budget in BUDGETS.values()]
    assert f"the {', '.join(random[:-1])} or {random[-1]} random points" in words
    assert POINTS + FRESH == 5
    assert "at five ordinary points" in words
    assert DTYPES == ("float64", "float32")


def test_the_regimes_are_those_of_the_engine():
    written = re.search(r"every regime \(parameters x (.*?); data x (.*?);", LIMITS, re.DOTALL)
    listed = [{float(number) for number in re.findall(r"-?\d[\de-]*", part)} for part in written.groups()]
    assert listed == [{regime.params for regime in REGIMES.values()} - {1}, {r.data for r in REGIMES.values()} - {1}]


def widths(regime, dtype):
    """For each parameter of the catalogue at one point: its bound as a share of its largest gradient entry."""
    for formula in both:
        problem = formula.problem(IMPLEMENTATIONS[formula.key])
        ground = Ground(problem)
        point = ground.draw(Place.of(middle_sizes(problem), regime=regime, dtype=dtype))
        if point is None:
            continue
        with contextlib.suppress(NoPrecision):
            known = ground.refer(point)
            largest = {name: np.max(np.abs(gradient)) for name, gradient in known.gradients.items()}
            yield from (np.max(known.bounds[name]) / size for name, size in largest.items() if size)


@pytest.mark.parametrize("line", re.findall(r"^\| (?:ordinary|parameters x|data x).*e-.*$", BOUND, re.MULTILINE))
def test_the_bound_is_as_wide_as_the_table_says(line):
    regime, *columns = (cell.strip() for cell in line.strip("|").split("|"))
    for dtype, median, above in zip(DTYPES, columns[::2], columns[1::2], strict=True):
        found = np.array(list(widths(regime, dtype)))
        assert 1 / 3 < np.median(found) / float(median) < 3  # twice as wide where long double is float64
        assert abs(np.mean(found > SHARP) - float(above.rstrip(" %")) / 100) < 0.05


# What passes and should not -------------------------------------------------------------------------------------------


def loss(params, data):
    return np.mean((data["X"] @ params["w"] - data["y"]) ** 2)


def right(params, data):
    return {"w": 2 / len(data["y"]) * data["X"].T @ (data["X"] @ params["w"] - data["y"])}


def draw(sizes, rng):
    m, n = sizes["m"], sizes["n"]
    return {"w": rng.normal(size=n)}, {"X": rng.normal(size=(m, n)), "y": rng.normal(size=m)}


least_squares = Problem(name="least squares", loss=loss, sizes={"m": (1, 9), "n": (1, 8)}, draw=draw)


def times(factor):
    """The right gradient, but for a factor that is a number or ``factor(params, data)``."""

    def gradients(params, data):
        number = factor(params, data) if callable(factor) else factor
        return {"w": right(params, data)["w"] * params["w"].dtype.type(number)}

    return gradients


def quickly(problem, gradients):
    return verify(problem, gradients, budget="quick")


def scalar(loss, low=-2.0, high=2.0, **rest):
    """A problem of one number w."""
    return Problem(name="scalar", loss=loss, sizes={}, draw=lambda _, rng: ({"w": rng.uniform(low, high)}, {}), **rest)


def test_values_that_are_never_drawn_are_not_tried():
    def draw_positive(sizes, rng):
        params, data = draw(sizes, rng)
        return params, {**data, "X": np.abs(data["X"])}

    def without_sign(params, data):
        return right(params, {**data, "X": np.abs(data["X"])})

    assert quickly(replace(least_squares, draw=draw_positive), without_sign).passed
    assert not quickly(least_squares, without_sign).passed


@pytest.mark.parametrize("key", ["linear-regression", "multiple-linear-regression"])
def test_a_loss_that_is_not_the_formulas_is_said_though_its_gradient_fits(key):
    formula, implementation = FORMULAS[key], IMPLEMENTATIONS[key]

    def total(params, data):
        return implementation.loss(params, data) * len(data["y"])

    right = Candidate(formula.problem(implementation), implementation.gradients)

    def gradients(params, data):
        _, g = right.gradients(Point(Place(()), params, data))
        return {name: value * value.dtype.type(len(data["y"])) for name, value in g.items()}

    verdict = quickly(formula.problem(Implementation(key=key, loss=total, gradients=gradients)), gradients)
    assert verdict.status == "inconclusive"
    assert verdict.disagreements[0].startswith("derivation and tape are")
    assert "the loss is not the one that the formula is proved for" in str(verdict)


def test_the_derivative_of_what_an_iteration_approaches_is_not_that_of_where_it_stops():
    def newton(params, data):
        root = params["w"]
        while abs(root * root - params["w"]) > 1e-9 * params["w"]:
            root = (root + params["w"] / root) / 2
        return root

    root = scalar(newton, low=1, high=3, domain=lambda params, data: params["w"] > 0)
    verdict = quickly(root, lambda params, data: {"w": params["w"].dtype.type(0.5) / np.sqrt(params["w"])})
    assert verdict.findings[0].error < 1e-6


def test_a_jump_of_the_loss_between_the_points_is_not_seen():
    jumping = scalar(lambda params, data: params["w"] ** 2 + (1.0 if params["w"] > 1 / 3 else 0.0))
    assert quickly(jumping, lambda params, data: {"w": 2 * params["w"]}).passed


def test_anything_passes_where_the_loss_overflows():
    def gradients(params, data):
        exact = 2 * params["w"] * np.exp(params["w"] ** 2)
        return {"w": exact if np.isfinite(exact) else params["w"].dtype.type(42)}

    verdict = quickly(scalar(lambda params, data: np.exp(params["w"] ** 2)), gradients)
    assert verdict.passed
    assert any(reason.startswith("the loss is not finite") for reason in verdict.inconclusive)


def test_an_entry_that_is_always_drowned_beside_a_large_one_is_not_judged():
    drowned = Problem(
        name="drowned",
        loss=lambda params, data: 1e10 * params["w"][0] ** 2 + ((params["w"][1] + 1e21) - 1e21) ** 2,
        sizes={},
        draw=lambda sizes, rng: ({"w": rng.normal(size=2)}, {}),
    )
    assert quickly(drowned, lambda params, data: {"w": params["w"] * np.array([2e10, 0], params["w"].dtype)}).passed


def test_a_bound_that_is_assumed_is_coarser_and_said_to_be():
    untraceable = replace(least_squares, loss=lambda params, data: float(loss(params, data)))
    verdict = quickly(untraceable, times(1 + 1e-13))
    assert verdict.passed
    assert "The bound is assumed" in str(verdict)
    assert not quickly(least_squares, times(1 + 1e-13)).passed


def test_the_loss_decides_whether_a_slope_may_be_a_difference():
    """The softplus of the page on the bound, whose other form leaves room for one minus a share."""
    stable = scalar(lambda params, data: np.logaddexp(0, params["w"]))
    assert quickly(stable, lambda params, data: {"w": 1 - 1 / (1 + np.exp(params["w"]))}).passed
    assert quickly(stable, lambda params, data: {"w": 1 / (1 + np.exp(-params["w"]))}).passed


def test_code_that_goes_wrong_after_more_calls_than_a_check_makes_passes():
    calls = []

    def tired(params, data):
        calls.append(None)
        return 1 if len(calls) < 10_000 else 0

    assert quickly(least_squares, times(tired)).passed
    assert not quickly(least_squares, times(lambda params, data: len(calls) < 10)).passed


def test_randomness_of_the_code_is_found_not_judged():
    noise = np.random.default_rng(0)
    verdict = quickly(least_squares, times(lambda params, data: noise.random()))
    assert "nondeterministic" in {finding.kind for finding in verdict.findings}


def test_gradients_of_data_are_not_asked_for():
    verdict = quickly(least_squares, lambda params, data: {**right(params, data), "X": data["X"].copy()})
    assert [(finding.kind, finding.parameter) for finding in verdict.findings] == [("unexpected", "X")]


# What a diagnosis means -----------------------------------------------------------------------------------------------


def test_mistakes_that_give_the_same_gradient_have_the_same_name():
    added_twice = quickly(
        least_squares, lambda params, data: {"w": right(params, data)["w"] + right(params, data)["w"]}
    )
    half_the_rows = quickly(least_squares, times(lambda params, data: len(data["y"]) / Fraction(len(data["y"]), 2)))
    assert added_twice.diagnosis == half_the_rows.diagnosis == quickly(least_squares, times(2)).diagnosis
    assert added_twice.diagnosis[0].startswith("dw equals")


def test_what_is_wrong_in_float32_only_has_findings_and_no_diagnosis():
    verdict = quickly(least_squares, times(lambda params, data: 2 if params["w"].dtype == np.float32 else 1))
    assert verdict.findings
    assert not verdict.diagnosis
