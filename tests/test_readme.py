"""README.md and CONTRIBUTING.md: what they print runs, and prints what they say."""

import configparser
import contextlib
import io
import re
from pathlib import Path
from types import FunctionType

import pytest

from gradproof import verify
from gradproof.catalogue import Formula, Implementation
from gradproof.commands import main
from gradproof.diagnosis.derived.phrases import Phrases
from gradproof.diagnosis.derived.sites import Scope, Site
from gradproof.errata import GradientErratum, Misprint
from gradproof.report.markdown import errata_page
from gradproof.reproduction import Reproduction, judge
from gradproof.symbolic import scalars
from gradproof.trial import try_gradient
from tests.catalogue import ERRATA, FORMULAS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"[-+]?\d[\d.]*(e[-+]?\d+)?")


def blocks(text, *languages):
    """(language, content) of every fenced block in one of the languages, in order."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [(language, content) for language, content in found if language in languages]


def shape(output):
    """The lines up to "...", without the digits: platforms and clocks differ in those."""
    return [NUMBER.sub("#", line) for line in output.partition("\n  ...")[0].rstrip().splitlines()]


def test_readme_examples_print_what_it_shows():
    namespace, printed, shown = {}, "", 0
    for language, content in blocks(README, "python", "text"):
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(content, namespace)
            printed = output.getvalue()
        elif printed:
            expected = shape(content)
            assert shape(printed)[: len(expected)] == expected
            printed, shown = "", shown + 1
    assert shown == 2


def test_readme_test_file_passes_as_a_test(pytester):
    _, content = blocks(README, "python")[0]
    pytester.makepyfile(test_least_squares=content)
    result = pytester.runpytest_inprocess("-p", "gradproof.plugin", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)


@pytest.fixture(scope="module")
def contributed():
    """What the examples of CONTRIBUTING.md define, one of each kind."""
    namespace = {}
    for _, content in blocks(CONTRIBUTING, "python"):
        exec(content, namespace)

    def the(kind, all_of_them=False):
        found = [value for value in namespace.values() if isinstance(value, kind)]
        assert all_of_them or len(found) == 1
        return found if all_of_them else found[0]

    return the


def test_contributing_example_is_proved_and_checked(contributed):
    formula, implementation = contributed(Formula), contributed(Implementation)
    assert formula.derive().scope == "every size"
    verify(formula.problem(implementation), implementation.gradients, budget="quick").require()


def test_contributing_mistake_is_refuted(contributed):
    trial = try_gradient(*map(contributed, (GradientErratum, Misprint, Formula, Implementation)))
    assert trial.status == "pass", trial


def test_contributing_rule_makes_wrong_formulas(contributed):
    """Of a sum of two terms: each of them halved."""
    (rule,) = (f for f in contributed(FunctionType, all_of_them=True) if f.__name__ == "halved")
    system = FORMULAS["linear-regression"].system()
    scope = Scope(Phrases(system), {}, frozenset(), {}, [])
    w, b = scalars("w b")
    made = {slip.words: slip.value for slip in rule(Site(w + b, lambda part: part, w, scope))}
    assert made == {"with w halved": w / 2 + b, "with b halved": w + b / 2}


def test_contributing_reproduction_runs(contributed):
    reproduction = contributed(Reproduction)
    (judged,) = judge(reproduction, [reproduction.run(seed) for seed in reproduction.seeds_of(quick=False)])
    assert judged.status == "pass", judged


def test_the_page_of_mistakes_is_what_the_records_say():
    assert (ROOT / "ERRATA.md").read_text(encoding="utf-8") == errata_page(ERRATA.values()), "run tox run -e pages"


def test_a_check_prints_what_the_readme_shows_of_it(capsys, tmp_path, monkeypatch):
    (_, sample) = next(block for block in blocks(README, "text") if block[1].startswith("logistic-regression: FAIL"))
    monkeypatch.chdir(tmp_path)
    main(["template", "logistic-regression", "-o", "my_logistic.py"])
    path = Path("my_logistic.py")
    text = path.read_text("utf-8").replace(
        "# TODO: compute the gradients here", "delta = 1 / (1 + np.exp(-(X @ w + b))) - y"
    )
    path.write_text(text.replace('"w": None', '"w": X.T @ delta').replace('"b": None', '"b": delta.mean()'), "utf-8")
    capsys.readouterr()
    assert main(["check", "my_logistic.py", "--as", "logistic-regression"]) == 1
    printed = iter(shape(capsys.readouterr().out))  # in which each line is looked for behind the one before
    assert all(NUMBER.sub("#", line) in printed for line in sample.splitlines() if line.strip() != "...")


def test_every_command_that_is_named_exists():
    consoles = "\n".join(content for _, content in blocks(README, "console"))
    named = {*re.findall(r"^gradproof (\w+)", consoles, re.MULTILINE), *re.findall(r"`gradproof (\w+)", README)}
    assert named == {"list", "template", "check", "grade", "report"}
    for command in named:
        with pytest.raises(SystemExit) as exit:
            main([command, "--help"])
        assert exit.value.code == 0


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_every_environment_that_is_named_exists(text):
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "tox.ini", encoding="utf-8")
    listed = {name.strip() for name in config["tox"]["env_list"].split(",")}
    known = listed | {section.removeprefix("testenv:") for section in config.sections()}
    named = {name for names in re.findall(r"tox run [^`\n]*?-e ([\w,]+)", text) for name in names.split(",")}
    assert named
    assert named <= known


def test_every_option_of_the_table_exists(pytestconfig):
    options = re.findall(r"^\| `(--[\w-]+)", README, re.MULTILINE)
    assert len(options) == 5
    for option in options:
        pytestconfig.getoption(option)  # ValueError where there is none


def test_everything_in_the_architecture_exists():
    _, listing = next(block for block in blocks(README, "text") if block[1].startswith("gradproof/"))
    for name in re.findall(r"^(\w+)/ ", listing, re.MULTILINE):
        assert (ROOT / name).is_dir()
    for name in re.findall(r"\b(?:\w+\.py|tape/|oracles/|symbolic/|report/)", listing):
        assert (ROOT / "gradproof" / name).exists()
