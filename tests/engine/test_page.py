"""The page: what each kind of record becomes, that nothing in a record can be markup, and that nothing fails for it."""

import sys
from html.parser import HTMLParser

import pytest

from gradproof.errors import NotRun
from gradproof.report import mathml, page
from gradproof.report.subjects import Agreement, heat_maps
from gradproof.report.values import short
from gradproof.report.view import view
from tests.engine import pages


def rendered(records, **options):
    pytest.importorskip("jinja2")
    return page.render(records, **options)


class Parsed(HTMLParser):
    """Tags with their attributes and the text beside them, as a browser reads them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.words, self.inside = [], [], [], []
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]
        self.inside.append(tag)

    def handle_data(self, data):
        if self.inside[-1:] != ["style"]:
            self.words.append(data)
        else:
            self.inside.pop()

    def having(self, name):
        return [value for _, attribute, value in self.attributes if attribute == name]


def without(monkeypatch, module):
    """As if the package were not installed."""
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)


# What is shown -----------------------------------------------------------------------------------------------------


def test_the_head_counts_what_passed_failed_and_is_open():
    seen = Parsed(rendered(pages.everything())).text
    assert "2 of 12 failed" in seen
    assert "3 entries open" in seen
    assert "4 proved for every size" in seen
    assert "1 holds, 1 no, 1 open" in seen
    assert pages.HERE in seen


@pytest.mark.parametrize(
    ("records", "head"),
    [
        ([], "Nothing was checked"),
        ([pages.formula()], "All 1 passed"),
        ([pages.formula(), pages.formula("b", status="inconclusive")], "1 passed, 1 open"),
        ([pages.formula("b", status="no such status")], "0 passed, 1 open"),
    ],
)
def test_only_a_pass_is_a_pass(records, head):
    assert head in Parsed(rendered(records)).text


def test_a_formula_is_shown_with_statement_proof_code_sizes_and_chart():
    pytest.importorskip("latex2mathml")
    pytest.importorskip("matplotlib")
    text = rendered([pages.formula()])
    parsed = Parsed(text)
    assert parsed.tags.count("math") == 2 + 2  # two equations in the statement, two that SymPy checked
    for words in (
        "logistic regression with m rows and n features", "A lab sheet, 2. Regression", "A4", "every size",
        "y in {0, 1}; all real w, b, X", "2 equalities checked by SymPy", "the Lagrangian equals the loss",
        "def gradients(params, data):", "implementations/regression.py", "63 points",
        "torch module not run: the problem has no autograd_kernel (1 formula)",
    ):  # fmt: skip
        assert words in parsed.text
    assert "m = 1, n = 1" in parsed.text.replace("m  =", "m =").replace("n  =", "n =")
    assert any(alt.startswith("Taylor remainder by step size") and "slope 1.999" in alt for alt in parsed.having("alt"))


def test_a_failure_comes_first_with_map_counterexample_diagnosis_and_replay():
    text = rendered([pages.formula(), pages.failing()])
    parsed = Parsed(text)
    assert text.index('id="sentiment-rnn"') < text.index('id="logistic-regression"')
    for words in (
        "the gradient of W is wrong in 4 of 6 entries", "dW equals the formula with h[t] in place of h[t-1]",
        "5.0 × 10¹⁴ times what arithmetic allows", "of shape 2 × 3: 4 of 6 entries beyond the bound", "not a number",
        "At n=2, T=2, regime ordinary, dtype float64, layout C, decimals 1, seed 3",
        "W = [[0.0, 1.0], [0.5, 0.0]]", "label = 1", "--implementation sentiment-rnn=mine.py",
    ):  # fmt: skip
        assert words in parsed.text


def test_the_odd_one_out_is_named():
    assert "The odd one out: central diff." in Parsed(rendered([pages.contradicted()])).text
    assert "All agree." in Parsed(rendered([pages.formula()])).text


def test_two_oracles_that_contradict_each_other_are_both_named():
    agreement = Agreement.of([{"first": "tape", "second": "autograd", "worst": "nan"}])
    assert agreement.odd == ("tape", "autograd")


def test_a_mistake_is_shown_from_both_sides():
    seen = Parsed(rendered([pages.erratum()])).text
    for words in (
        "W_hh delta_t gives db[1] = 0", "W_hh^T delta_t gives db[1] = 1", "6.6 × 10¹³ times", "needs the transpose",
        "E-E2", "delta_1 = W^T delta_2 = (0, 1)", "the correction passes at 73 points", "wrong",
    ):  # fmt: skip
        assert words in seen


def test_claims_stand_under_their_system_with_what_was_chosen():
    seen = Parsed(rendered([pages.claim(), pages.claim("parity: again", verdict="plausible")])).text
    for words in (
        "the parity network with the printed rate",
        "1 holds",
        "1 plausible",
        "0.0058 [0.0040, 0.0070]",
        "Weights start uniform.",
    ):
        assert words in seen


def test_what_could_not_be_read_stands_at_the_top():
    text = rendered([pages.formula()], problems=["a.jsonl, line 7: not JSON"])
    assert "a.jsonl, line 7: not JSON" in text
    assert text.index("line 7") < text.index('id="formulas"')


def test_several_environments_are_columns_and_the_worst_is_shown():
    there = pages.failing("logistic-regression", environment=pages.THERE)
    parsed = Parsed(rendered([pages.formula(), there]))
    assert "1 of 1 failed" in parsed.text
    assert pages.HERE in parsed.text
    assert pages.THERE in parsed.text
    assert "Not the same everywhere: passed Python 3.11.9" in parsed.text
    assert "126 points" in parsed.text


def test_two_records_of_one_key_and_environment_are_both_kept():
    assert view([pages.formula(), pages.formula(points=7)]).environments == (pages.HERE, f"{pages.HERE} (2)")


def test_every_link_leads_somewhere_and_ids_are_unique():
    records = [
        *pages.everything(),
        pages.erratum("logistic-regression"),
        *map(pages.formula, ("formulas", "power", "")),
    ]
    parsed = Parsed(rendered(records))
    ids = parsed.having("id")
    assert len(ids) == len(set(ids))
    assert "logistic-regression" in ids
    assert {link.removeprefix("#") for link in parsed.having("href") if link.startswith("#")} <= set(ids)


def test_the_same_records_give_the_same_page():
    assert rendered(pages.everything()) == rendered(pages.everything())


# Records as they come ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["formula", "erratum", "power", "reproduction", "benchmark", "another", None, 7])
def test_a_record_may_lack_everything(kind):
    assert "gradproof" in rendered([{"kind": kind, "key": "a: b"}, {"kind": kind}, {}])


JUNK = [None, True, 7, 1e400, 10**400, "text", [], [None, [1, [2]]], {}, {"a": None}, {"a": ["b"]}]


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: repr(junk)[:20])
def test_a_field_may_be_of_any_type(junk):
    spoiled = []
    for record in pages.everything():
        plain = {name: value for name, value in record.items() if name not in ("taylor", "statement", "checked")}
        spoiled += [{**plain, "key": f"{len(spoiled)} {name}", name: junk} for name in record if name != "kind"]
        for finding in record.get("findings", []):
            spoiled += [{**plain, "findings": [{**finding, name: junk}]} for name in finding]
    assert rendered(spoiled)


@pytest.mark.parametrize(
    "points",
    [
        [[1e-3, 1.0], [1e-3, 1.0]],
        [[1e-320, 5e-324], [1e300, 1e308]],
        [[2e-3, 3e-3], [2.1e-3, 3.1e-3]],
        [[1e-3, 0.0], [1e-2, "inf"]],
        [[1e-3, 1.0]],
    ],
)
@pytest.mark.parametrize("slope", [None, 2, "nan"])
def test_points_that_make_no_chart_do_not_cost_the_page(points, slope):
    seen = Parsed(rendered([pages.formula(taylor=points, taylor_slope=slope)]))
    assert "img" in seen.tags or "The code:" in seen.text


def test_heat_maps_of_every_shape():
    assert [m.cells for m in heat_maps(2.0, "b")] == [((2.0,),)]
    assert [m.cells for m in heat_maps([1.0, 2.0], "b")] == [((1.0, 2.0),)]
    assert [m.name for m in heat_maps([[[1.0]], [[2.0]]], "W")] == ["W[0]", "W[1]"]
    assert list(heat_maps([[1.0, 2.0], [3.0]], "W")) == []
    assert list(heat_maps([[1.0] * 21] * 20, "W")) == []
    assert list(heat_maps(None, "W")) == []


@pytest.mark.parametrize(
    ("x", "shown"),
    [
        (0.0, "0.00"),
        (0.354, "0.35"),
        (12.3, "12"),
        (7.13e14, "7.1 × 10¹⁴"),
        (2e-16, "2.0 × 10⁻¹⁶"),
        (float("inf"), "∞"),
    ],
)
def test_numbers_are_short(x, shown):
    assert short(x) == shown


# Nothing in a record is markup -------------------------------------------------------------------------------------


def test_nothing_in_a_record_becomes_an_element_or_an_attribute():
    harmless = Parsed(rendered(pages.hostile("harmless"), problems=["harmless"]))
    text = rendered(pages.hostile(), problems=[pages.HOSTILE])
    parsed = Parsed(text)
    assert "script" not in parsed.tags
    assert set(parsed.tags) <= set(harmless.tags) | {"math", "mi", "mo", "mn", "mrow", "mtext", "mstyle", "mspace"}
    assert parsed.tags.count("img") == harmless.tags.count("img")
    assert {(tag, name) for tag, name, _ in parsed.attributes if tag[0] != "m"} <= {
        (tag, name) for tag, name, _ in harmless.attributes
    }
    assert "{{ 7 * 7 }}" in text
    assert "&lt;/script&gt;" in text


@pytest.mark.parametrize(
    "latex",
    [
        r"\text{</script><img src=x onerror=alert(1)>}",
        r"\text{&lt;img src=x onerror=alert(1)&gt;}",
        r"\mathrm{<svg onload=alert(1)>}",
        r"\href{javascript:alert(1)}{x}",
        r"\style{background:url(https://example.org)}{x}",
        r"\class{a\" onclick=\"alert(1)}{x}",
        r"\color{red\" onclick=\"alert(1)}{x}",
        r"<script>alert(1)</script>",
        "<!-- ",
        "]]>",
    ],
)
def test_latex_becomes_elements_of_formulas_only(latex):
    pytest.importorskip("latex2mathml")
    parsed = Parsed("".join(mathml.display(latex)))
    assert set(parsed.tags) <= mathml.ELEMENTS
    assert {name for _, name, _ in parsed.attributes} <= mathml.ATTRIBUTES


@pytest.mark.parametrize("latex", [r"\frac{", r"\left(", "x^", r"\begin{array}", "}" * 9, "{" * 5000 + "}" * 5000])
def test_latex_that_cannot_be_set_is_shown_as_it_is(latex):
    seen = Parsed(rendered([pages.formula(statement=latex, checked=[])]))
    assert "math" in seen.tags or latex in seen.text


def test_equations_side_by_side_get_a_line_each():
    assert mathml.side_by_side(r"a = \frac{1}{2}, \quad b \qquad \left( c \quad d \right) \quadratic") == [
        r"a = \frac{1}{2},", "b", r"\left( c \quad d \right) \quadratic",
    ]  # fmt: skip


def test_a_plot_is_an_image_and_nothing_runs_in_it():
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><title>a &lt;b&gt;</title><script>alert(1)</script></svg>"
    parsed = Parsed(rendered([pages.claim()], plots={"losses": svg}))
    assert "script" not in parsed.tags
    assert "a <b>" in parsed.having("alt")
    assert all(source.startswith("data:image/svg+xml;base64,") for source in parsed.having("src"))


def test_nothing_is_loaded_from_anywhere():
    text = rendered(pages.everything(), plots={"p": "<svg/>"})
    parsed = Parsed(text)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in parsed.having("content")
    assert all(link.startswith(("#", "data:")) for link in parsed.having("href") + parsed.having("src"))
    assert "url(" not in text
    assert "@import" not in text


# What is not installed ---------------------------------------------------------------------------------------------


def test_without_jinja2_there_is_a_reason_and_no_page(monkeypatch, tmp_path):
    without(monkeypatch, "jinja2")
    with pytest.raises(NotRun, match=r"^index\.html not written: jinja2 is not installed$"):
        page.write(tmp_path, [pages.formula()])
    assert list(tmp_path.iterdir()) == []


def test_without_latex2mathml_formulas_are_latex(monkeypatch):
    without(monkeypatch, "latex2mathml")
    parsed = Parsed(rendered([pages.formula()]))
    assert "math" not in parsed.tags
    assert r"\frac{\partial J}{\partial b}" in parsed.text
    assert "latex2mathml is not installed" in parsed.text


def test_without_matplotlib_charts_are_left_out_with_the_reason(monkeypatch):
    without(monkeypatch, "matplotlib")
    parsed = Parsed(rendered([pages.formula()]))
    assert "img" not in parsed.tags
    assert "No chart of the Taylor remainder: Matplotlib is not installed." in parsed.text


# The file ----------------------------------------------------------------------------------------------------------


def test_the_file_has_the_plots_of_its_folder(tmp_path):
    pytest.importorskip("jinja2")
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "losses.svg").write_text("<svg><title>the losses</title></svg>", encoding="utf-8")
    path = page.write(tmp_path, [pages.formula()])
    assert path == tmp_path / "index.html"
    assert "the losses" in path.read_text(encoding="utf-8")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["index.html", "plots"]


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path):
    pytest.importorskip("jinja2")
    (tmp_path / "index.html").write_text("old")
    (tmp_path / "index.part").mkdir()
    with pytest.raises(NotRun, match=r"^index\.html not written: "):
        page.write(tmp_path, [pages.formula()])
    assert (tmp_path / "index.html").read_text() == "old"


def test_half_a_character_does_not_cost_the_page(tmp_path):
    pytest.importorskip("jinja2")
    assert page.write(tmp_path, [pages.formula(title="half \ud800")]).stat().st_size > 1000
