"""What an installation of the wheel gives, far from this checkout: the command, the formulas and the pytest plugin."""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
KEY = "logistic-regression"


def output(command, folder, status=0, **more):
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, capture_output=True, text=True, timeout=300, **more
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with a fresh environment that has the wheel and, from this environment, what it depends on."""
    folder = tmp_path_factory.mktemp("project")
    if find_spec("pip") is None:
        pytest.skip("pip is not installed: the wheel cannot be built")
    isolation = [] if find_spec("hatchling") is None else ["--no-build-isolation"]
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", *isolation, "-w", folder, ROOT]
    built = subprocess.run([str(word) for word in build], capture_output=True, text=True, timeout=300)
    if not isolation and re.search(r"No matching distribution found for (hatchling|setuptools)", built.stderr):
        pytest.skip("hatchling is not installed and cannot be downloaded: the wheel cannot be built")
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    own = sysconfig.get_path("purelib", vars={"base": str(folder / "venv"), "platbase": str(folder / "venv")})
    install = [sys.executable, "-m", "pip", "--python", folder / "venv" / SCRIPTS / "python", "install"]
    output([*install, "--no-deps", "--no-index", wheel], folder)
    Path(own, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return folder


@pytest.fixture
def run(installed):
    """Run a program of that environment, in its folder, and without what this one adds; what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}

    def program(name, *words, status=0):
        return output([installed / "venv" / SCRIPTS / name, *words], installed, status, env=environment)

    return program


def test_it_is_the_installed_package_that_is_tested(run, installed):
    where = run("python", "-c", "import gradproof; print(gradproof.__file__)")
    assert Path(where.strip()).is_relative_to(installed.resolve())


def test_the_documents_are_no_top_level_packages(run):
    assert run("python", "-c", "from importlib.util import find_spec as f; print(f('derivations'))").strip() == "None"


def test_list_shows_a_formula(run):
    assert "dw[q] = sum[i = 0..m - 1]((a[i] - y[i])*X[i, q])/m" in run("gradproof", "list", KEY)


def test_a_template_that_is_filled_in_passes_the_check(run, installed):
    run("gradproof", "template", KEY, "-o", "filled.py")
    path = installed / "filled.py"
    text = (
        path.read_text("utf-8")
        .replace('"w": None', '"w": X.T @ (a - y) / len(y)')
        .replace('"b": None', '"b": (a - y).mean()')
    )
    path.write_text(text.replace("# TODO: compute the gradients here", "a = 1 / (1 + np.exp(-(X @ w + b)))"), "utf-8")
    assert run("gradproof", "check", "filled.py", "--as", KEY, "--budget", "quick").startswith(f"{KEY}: PASS")


def test_a_file_does_not_find_the_right_code_by_its_name(run, installed):
    (installed / "borrowed.py").write_text("from implementations.regression import *", "utf-8")
    printed = run("gradproof", "check", "borrowed.py", "--as", KEY, status=1)
    assert "No module named 'implementations'" in printed


def test_the_fixture_is_there_for_a_test_of_ones_own(run, installed):
    _, example = re.findall(
        r"^```(python)\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )[0]
    (installed / "test_least_squares.py").write_text(example, "utf-8")
    printed = run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_least_squares.py")
    assert "1 passed" in printed
    assert "gradproof: 1 passed" in printed
