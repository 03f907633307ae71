"""derivations -> gradproof <- implementations: the two sides never meet but by key, and the engine knows neither.

reproductions stands on top: it runs the implementations, and takes from the derivations nothing but the titles.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FORBIDDEN = {
    "gradproof": {"derivations", "implementations", "reproductions", "tests"},
    "derivations": {"implementations", "reproductions", "tests", "torch"},
    "implementations": {"derivations", "reproductions", "tests", "sympy"},
    "reproductions": {"tests", "sympy"},
}


def imported(path):
    """Top-level names of everything a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide what this test looks for"
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_the_wall_stands(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    crossings = {str(path.relative_to(ROOT)): set(imported(path)) & FORBIDDEN[package] for path in files}
    assert not {path: names for path, names in crossings.items() if names}


def test_reproductions_take_only_the_titles_from_the_derivations():
    lines = [line for path in (ROOT / "reproductions").rglob("*.py") for line in path.read_text("utf-8").splitlines()]
    taken = {line for line in lines if line.startswith(("from derivations", "import derivations"))}
    assert all(line.startswith("from derivations.sources import ") for line in taken)
    assert taken


def test_only_the_plugin_knows_pytest():
    knowing = {path.name for path in (ROOT / "gradproof").rglob("*.py") if "pytest" in set(imported(path))}
    assert knowing == {"plugin.py"}


def test_the_door_is_small():
    assert len((ROOT / "conftest.py").read_text(encoding="utf-8").splitlines()) < 30
