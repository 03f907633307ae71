"""What in somebody's file is checked, where a name is given and where none is."""

import re
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest

from gradproof.loading import CannotLoad, parse, subject


@pytest.fixture
def theirs(tmp_path):
    """A file with this text."""

    def write(text, name="theirs.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("line=mine.py", ("line", Path("mine.py"), None)),
        ("line=a/mine.py:Mine.g", ("line", Path("a/mine.py"), "Mine.g")),
        ("line=C:/mine.py", ("line", Path("C:/mine.py"), None)),
        ("line=C:/mine.py:g", ("line", Path("C:/mine.py"), "g")),
    ],
)
def test_a_key_a_path_and_a_name(spec, parts):
    assert parse(spec) == parts


@pytest.mark.parametrize("spec", ["line", "=mine.py", "line=", ""])
def test_what_has_no_key_or_no_path_is_refused(spec):
    with pytest.raises(CannotLoad, match=re.escape(f"{spec!r} is not KEY=PATH.py[:NAME]")):
        parse(spec)


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("def gradients(): pass\ndef other(): pass", None, "gradients"),
        ("class gradients: pass\nclass other: pass", None, "gradients"),
        ("def bptt(): pass\ndef _hidden(): pass\nrate = 1", None, "bptt"),
        ("from os.path import join\ndef bptt(): pass", None, "bptt"),
        ("def sigmoid(x): pass\ndef tanh(x): pass\nclass Mine: pass", None, "Mine"),
        ("def a(): pass\ndef b(): pass", "b", "b"),
        ("class Course:\n    class Lab:\n        def g(): pass", "Course.Lab.g", "Course.Lab.g"),
    ],
)
def test_a_name_may_be_left_out_where_it_is_clear(text, name, found, theirs):
    value, name = subject(theirs(text), name)
    assert name == found
    assert value.__qualname__ == found


def test_two_passes_among_the_functions_of_a_file_are_the_file_itself(theirs):
    value, name = subject(theirs("def forward(): pass\ndef backward(): pass\ndef sigmoid(): pass"), None)
    assert isinstance(value, ModuleType)
    assert name == "theirs"


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("def a(): pass\ndef b(): pass", None, "not one thing alone; it defines a, b: name one"),
        ("class A: pass\nclass B: pass", None, "not one thing alone; it defines A, B: name one"),
        ("from math import tanh", None, "it defines no function or class"),
        ("def a(): pass", "b", "defines no 'b'; it defines a"),
        ("def a(): pass", "a.b.c", "defines no 'a.b.c'; it defines a"),
    ],
)
def test_where_it_is_not_clear_the_names_are_listed(text, name, message, theirs):
    with pytest.raises(CannotLoad, match=re.escape(message)):
        subject(theirs(text), name)


def test_two_files_of_one_name_are_two_modules(theirs):
    one, other = (subject(theirs(f"def gradients(): return {k}", f"{k}/mine.py"), None)[0] for k in (1, 2))
    assert one.__module__ != other.__module__
    assert (one(), other()) == (1, 2)
