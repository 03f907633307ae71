"""Mistakes in a derivation: the evaluator against the lowered formulas, what the rules make, when a name is shown."""

from types import MappingProxyType

import numpy as np
import pytest
import sympy as sp

from gradproof import Place, Problem, verify
from gradproof.candidate import Candidate
from gradproof.diagnosis import diagnose
from gradproof.diagnosis.derived.evaluate import CannotEvaluate, Context, compiled, without_first
from gradproof.diagnosis.derived.phrases import Phrases, listed
from gradproof.diagnosis.derived.program import Program
from gradproof.diagnosis.derived.setting import Setting
from gradproof.diagnosis.derived.shared import occurrences, with_another
from gradproof.diagnosis.derived.table import table_for
from gradproof.diagnosis.probe import FRESH, POINTS, probe_sizes, probes
from gradproof.sampling import draw_point
from gradproof.symbolic import arrays, delta, index, size, total
from tests.catalogue import FORMULAS, IMPLEMENTATIONS, both, name

KEY = "rnn-tanh"


def problem_of(key):
    return FORMULAS[key].problem(IMPLEMENTATIONS[key])


def right(params, data, upstream, carried=None):
    """The network's gradients, by loops. carried: what takes the place of W^T on the way back."""
    W, U, V, x = params["W"], params["U"], params["V"], data["x"]
    h = [params["h0"]]
    for row in x:
        h.append(np.tanh(W @ h[-1] + U @ row + params["b"]))
    g = {n: np.zeros_like(value) for n, value in params.items()}
    carry = np.zeros_like(params["b"])
    for t in range(len(x), 0, -1):
        delta = (1 - h[t] ** 2) * (V.T @ upstream[t - 1] + carry)
        g["W"] += np.outer(delta, h[t - 1])
        g["U"] += np.outer(delta, x[t - 1])
        g["b"] += delta
        g["V"] += np.outer(upstream[t - 1], h[t])
        g["c"] += upstream[t - 1]
        carry = (W.T if carried is None else carried) @ delta
    return {**g, "h0": carry}


# ---- evaluation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", both, ids=name)
def test_a_system_without_a_mistake_gives_what_its_lowered_program_gives(formula):
    problem = problem_of(formula.key)
    program = Program(formula.system())
    for point, _ in probes(problem):
        wide = {n: np.asarray(value, np.longdouble) for n, value in point.params.items()}
        data = {n: value.astype(np.longdouble) if is_float(value) else value for n, value in point.data.items()}
        lowered = formula.derived(wide, data, point.upstream)
        context = program.inputs(point)
        program.run(context)
        for parameter, value in program.outputs(context).items():
            np.testing.assert_allclose(value, lowered[parameter], rtol=1e-15, atol=1e-17, err_msg=parameter)


def is_float(value):
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


n, (a,) = size("n"), arrays("a")
i = index("i", n)
VALUES = Context({a: (np.array([1.0, 2, 4], np.longdouble), (0,))}, {n: 3})


@pytest.mark.parametrize(
    ("outside", "expected"),
    [("zero", [0, 1, 2]), ("wrap", [4, 1, 2]), ("clamp", [1, 1, 2])],
)
def test_a_read_outside_an_array_gives_what_code_may_find_there(outside, expected):
    read = compiled(a[i - 1], (i,))
    assert read(Context(VALUES.arrays, VALUES.sizes, outside=outside), {}).tolist() == expected


def test_an_array_without_its_first_place_has_nothing_there():
    assert compiled(without_first(a[i], sp.Integer(0)), (i,))(VALUES, {}).tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (total(a[i], i), 7),
        (total(a[i] ** 2, i) / n, 7),
        (total(sp.Integer(2), i), 6),
        (total(a[i] * delta(i, 1), i), 2),
        (sp.Piecewise((a[0], a[0] > 2), (a[2], True)), 4),
        (sp.Max(a[0], a[1]) - sp.Min(a[0], a[1]), 1),
        (sp.sqrt(a[2]) + sp.Rational(1, 2), 2.5),
        (sp.Mod(n + 2, n, evaluate=False), 2),
    ],
)
def test_an_expression_has_its_value(expression, expected):
    assert float(compiled(sp.sympify(expression))(VALUES, {})) == expected


def test_what_cannot_be_evaluated_is_named():
    with pytest.raises(CannotEvaluate, match="besselj"):
        compiled(sp.besselj(0, a[0]))


# ---- what is changed ------------------------------------------------------------------------------------------------


def test_a_shared_part_is_found_at_every_place_and_exchanged_there_alone():
    setting = Setting(Program(FORMULAS[KEY].system()))
    part = next(part for part in setting.shared if setting.phrases(part.name).startswith("delta"))
    targets = {setting.phrases(setting.equations[number].target) for number in part.users}
    assert targets == {"nabla_h[t]", "dW", "dU", "db", "dh0"}
    for number in part.users:
        equation = setting.equations[number]
        assert with_another(equation, part, part.value) == equation
        assert not occurrences(with_another(equation, part, sp.S.Zero).value, part.name, part.value)


def test_a_part_that_stands_in_a_product_is_exchanged_once():
    """What replaces it may contain it again."""
    setting = Setting(Program(FORMULAS["logistic-regression"].system()))
    (part,) = setting.shared
    for number in part.users:
        twice = with_another(setting.equations[number], part, 2 * part.value).value
        assert sp.simplify(twice - 2 * setting.equations[number].value) == 0


def test_a_formula_is_written_without_the_indices_of_units():
    system = FORMULAS[KEY].system()
    phrases = Phrases(system)
    written = {phrases(equation.target): phrases(equation.value) for equation in system.equations}
    assert written["dW"] == "sum_t((1 - h[t]^2)*h[t - 1]*nabla_h[t])"
    assert listed(["dW", "dU", "db"]) == "dW, dU and db"


@pytest.mark.parametrize("formula", both, ids=name)
def test_the_points_tell_mistakes_apart(formula):
    """No size is 1 or another's where the ranges leave a choice, and none is the same at all points."""
    problem = problem_of(formula.key)
    chosen = probe_sizes(problem)
    assert len(chosen) == POINTS + FRESH
    for sizes in chosen:
        assert 1 not in sizes.values()
        assert len(set(sizes.values())) == len(sizes)
    assert all(len({sizes[n] for sizes in chosen}) > 1 for n in problem.sizes)


def test_what_is_no_mistake_is_in_no_table():
    """Every row changes the gradients it says it changes, clearly."""
    problem = problem_of("logistic-regression")
    table = table_for(problem, [point for point, _ in probes(problem)[:POINTS]])
    rows = list(table.rows(lambda reach: True))
    assert len(rows) > 100
    for row in rows:
        exact = table.program.outputs(table.right[row.point])
        for parameter, wrong in row.gradients.items():
            assert np.max(np.abs(wrong - exact[parameter])) > 1e-13 * np.max(np.abs(exact[parameter]))


# ---- what is shown --------------------------------------------------------------------------------------------------


def test_right_gradients_get_no_diagnosis():
    assert diagnose(problem_of(KEY), Candidate(problem_of(KEY), right)) is None


def test_one_mistake_in_a_shared_line_is_one_sentence_about_all_it_spoils():
    def wrong(params, data, upstream):
        return right(params, data, upstream, carried=params["W"])

    verdict = verify(problem_of(KEY), wrong, budget="quick")
    (said,) = verdict.diagnosis
    assert said.startswith("dU, dW, db and dh0 equal their formulas with W where W^T belongs, in carry")
    assert "smallest example: n=2, d=1, m=1, T=" in str(verdict)
    assert str(verdict).index(said) < str(verdict).index("claimed")
    assert all(finding.diagnosis == said for finding in verdict.findings)


def test_gradients_in_any_mapping_are_read():
    def wrong(params, data, upstream):
        return MappingProxyType({n: -g for n, g in right(params, data, upstream).items()})

    assert diagnose(problem_of(KEY), Candidate(problem_of(KEY), wrong)).unexplained == ()


def test_two_mistakes_are_told_apart():
    def wrong(params, data, upstream):
        g = right(params, data, upstream)
        return {**g, "c": g["c"] / len(data["x"]), "V": -g["V"]}

    said = diagnose(problem_of(KEY), Candidate(problem_of(KEY), wrong)).sentences
    assert sorted(said) == [
        "dV equals the formula with the opposite sign",
        "dc equals the exact one divided by T: a mean where the sum belongs",
    ]


def test_what_holds_at_the_first_points_alone_is_not_shown():
    """An explanation has to reproduce fresh points too, at which it was not looked for."""
    problem = problem_of(KEY)
    fresh = [point.place for point, _ in probes(problem)[POINTS:]]
    assert len(fresh) == FRESH
    drawn = [draw_point(problem, place).params["b"] for place in fresh]

    def wrong(params, data, upstream):
        g = right(params, data, upstream)
        known = any(np.array_equal(params["b"], b) for b in drawn)
        return {**g, "b": g["b"] * (1.7 if known else -1)}

    diagnosis = diagnose(problem, Candidate(problem, wrong))
    assert not diagnosis.explanations
    assert diagnosis.unexplained == ("b",)
    assert diagnosis.sentences[0] == "db: no known mistake reproduces it"


def test_noise_has_no_name():
    def wrong(params, data, upstream):
        g = right(params, data, upstream)
        return {**g, "W": g["W"] * np.random.default_rng(0).uniform(0.5, 2, g["W"].shape)}

    assert diagnose(problem_of(KEY), Candidate(problem_of(KEY), wrong)).explanations == ()


def test_a_loss_without_a_derivation_is_diagnosed_too():
    problem = Problem(
        name="a fourth power",
        loss=lambda p, d: np.sum((p["w"] * d["x"]) ** 4),
        sizes={"n": (1, 6)},
        draw=lambda sizes, rng: ({"w": rng.standard_normal(sizes["n"])}, {"x": rng.standard_normal(sizes["n"])}),
    )
    verdict = verify(problem, lambda p, d: {"w": -4 * (p["w"] * d["x"]) ** 3 * d["x"]}, budget="quick")
    assert verdict.diagnosis == ("dw equals minus the exact one: the sign is wrong",)


def test_code_that_is_wrong_only_where_nothing_is_ordinary_gets_none():
    def wrong(params, data, upstream):
        g = right(params, data, upstream)
        return {**g, "b": g["b"] * (2 if np.max(np.abs(params["W"])) > 20 else 1)}

    verdict = verify(problem_of(KEY), wrong, budget="quick")
    assert verdict.status == "fail"
    assert verdict.diagnosis == ()


def test_a_diagnosis_can_be_left_out():
    verdict = verify(problem_of("quartic"), lambda p, d: {"x": np.zeros_like(p["x"])}, budget="quick", diagnose=False)
    assert verdict.status == "fail"
    assert verdict.diagnosis == ()


def test_code_that_raises_at_a_point_has_none():
    def raising(params, data, upstream):
        if len(data["x"]) == dict(probes(problem_of(KEY))[0][0].place.sizes)["T"]:
            raise ZeroDivisionError
        return {n: 2 * g for n, g in right(params, data, upstream).items()}

    assert diagnose(problem_of(KEY), Candidate(problem_of(KEY), raising)) is None


def test_a_place_is_where_the_finding_says():
    verdict = verify(problem_of("square"), lambda p, d: {"x": p["x"] + 0}, budget="quick")
    assert verdict.example == "smallest example: scalars"
    assert isinstance(verdict.findings[0].place, Place)
