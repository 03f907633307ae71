"""The mutator does to the code what the names of its rules say, one place at a time."""

import ast

import pytest

from tests.power.mutator import mutants, rules


def function(body):
    (found,) = ast.parse("def backward(X, d, h, t, m):\n" + "\n".join(f"    {line}" for line in body.splitlines())).body
    return found


def made(body, kind):
    """The bodies that the rules of a kind make of a body."""
    found = [mutant.source for mutant in mutants(function(body)) if mutant.kind == kind]
    return {"\n".join(line.removeprefix("    ") for line in source.splitlines()[1:]) for source in found}


SMALL = [
    (rules.TRANSPOSE, "g = X.T @ d", {"g = X @ d", "g = X.T @ d.T", "g = d @ X.T"}),
    (rules.TRANSPOSE, "g = X.T * d", {"g = X * d"}),
    (rules.TRANSPOSE, "g = np.outer(d, h)", {"g = np.outer(h, d)"}),
    (rules.TIME, "g = h[t - 1]", {"g = h[t]", "g = h[t - 2]"}),
    (rules.TIME, "g = h[t]", {"g = h[t - 1]", "g = h[t + 1]"}),
    (rules.TIME, "g = h[-1]", {"g = h[0]", "g = h[-2]"}),
    (rules.TIME, "g = h[:-1]", {"g = h[1:]", "g = h[:]"}),
    (rules.TIME, "g = h[::-1]", {"g = h[:]"}),
    (rules.TIME, "g = h[-t:]", {"g = h[:-t]", "g = h[:]"}),
    (rules.TIME, "g = h[:]", {"g = h[::-1]"}),
    (rules.TIME, "g = h['W']", set()),
    (
        rules.TIME,
        "for t in range(m, 0, -1):\n    g = d",
        {f"for t in range(m, 0, -1)[{index}]:\n    g = d" for index in ("::-1", "1:", ":-1")},
    ),
    (rules.DROPPED, "g = X + d", {"g = X", "g = d"}),
    (rules.DROPPED, "g = X - d", {"g = X", "g = -d"}),
    (rules.DROPPED, "g = X / d", {"g = X"}),
    (rules.DROPPED, "g = X ** 2", {"g = X"}),
    (rules.OPERATOR, "return X + d", {"return X - d"}),
    (rules.OPERATOR, "return X / d", {"return X * d", "return d / X"}),
    (rules.OPERATOR, "g = X * d", {"g = X / d", "g = -(X * d)"}),
    (rules.OPERATOR, "return -X", {"return X"}),
    (rules.OPERATOR, "return X > d", {"return X >= d", "return X < d"}),
    (rules.CONSTANT, "g = 2 * d", {"g = 1 * d", "g = 3 * d"}),
    (rules.CONSTANT, "g = d / len(X)", {"g = d / (len(X) - 1)", "g = d / np.shape(X)[-1]"}),
    (rules.CONSTANT, "g = np.sum(d[1], axis=0)", set()),
    (
        rules.REDUCTION,
        "g = np.sum(d, axis=0)",
        {"g = np.mean(d, axis=0)", "g = np.sum(d, axis=1)", "g = np.sum(d)"},
    ),
    (rules.REDUCTION, "g = d.mean()", {"g = d.sum()"}),
    (rules.REDUCTION, "g += d", {"g = d"}),
    (rules.REDUCTION, "for t in X:\n    g = d", {"for t in X:\n    g += d"}),
    (
        rules.FUNCTION,
        "g = tanh_derivative(d)",
        {
            "g = d",
            "g = sigmoid_derivative(d)",
            "g = tanh_derivative(tanh_derivative(d))",
            "g = tanh_derivative(np.tanh(d))",
        },
    ),
    (rules.VARIABLE, "a = X\nb = d\nreturn a * a", {"a = X\nb = d\nreturn b * a", "a = X\nb = d\nreturn a * b"}),
    (rules.VARIABLE, "return {'W': X, 'b': d}", {"return {'W': d, 'b': X}"}),
    (
        rules.STATEMENT,
        "for t in X:\n    a = d\n    b = a",
        {"for t in X:\n    b = a", "for t in X:\n    a = d", "for t in X:\n    b = a\n    a = d"},
    ),
    (rules.MEMORY, "g = d.copy()", {"g = d"}),
    (rules.MEMORY, "g = np.zeros_like(d)", {"g = d"}),
    (rules.MEMORY, "g = d.astype(X.dtype)", {"g = d"}),
]


@pytest.mark.parametrize(("kind", "body", "wrong"), SMALL, ids=[f"{kind}: {body}" for kind, body, _ in SMALL])
def test_a_rule_makes_what_its_kind_says_and_nothing_else(kind, body, wrong):
    assert made(body, kind) == wrong


def test_every_kind_of_rule_is_tested_on_a_small_example():
    assert {kind for kind, _, _ in rules.RULES} == {kind for kind, *_ in SMALL}


LONGER = """total = np.zeros_like(X)
for t in range(m, 0, -1):
    carry = X.T @ (d[t - 1] + 2 * h[t])
    total += np.outer(carry, h[t - 1])
return {'W': total, 'h0': carry}"""


def test_mutants_all_read_differently_and_are_named_differently():
    found = list(mutants(function(LONGER)))
    assert len(found) > 30
    assert len({mutant.source for mutant in found} | {ast.unparse(function(LONGER))}) == len(found) + 1
    assert len({mutant.name for mutant in found}) == len(found)


def test_a_mutant_of_a_part_leaves_the_rest_as_it_is():
    whole = function("g = X * d\nreturn g - h")
    part = whole.body[0].value
    assert {mutant.source.splitlines()[-1].strip() for mutant in mutants(whole, part)} == {"return g - h"}


def test_the_name_says_what_is_there_and_what_should_be():
    names = {mutant.name for mutant in mutants(function("carry = X.T @ d"))}
    assert "carry = X @ d, not X.T @ d" in names
    assert "for t in X, in reverse" in {mutant.name for mutant in mutants(function("for t in X:\n    a = d"))}
