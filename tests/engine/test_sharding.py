"""The division of a run: every test in one shard, tests about one record together, the same whatever the order."""

import importlib
import random
from collections import Counter

import pytest

from gradproof import Problem
from gradproof.sampling import random_place, search
from gradproof.sharding import CannotShard, Case, Shard, deal


def about(key, *functions):
    return [
        Case(f"tests/test_{function}.py::test", f"tests/test_{function}.py::test[{key}]", (key,))
        for function in functions
    ]


FORMULAS = [case for k in range(41) for case in about(f"formula-{k:02d}", "proofs", "gradients")]
EXAMPLES = [case for k in range(7) for case in about(f"example-{k}", "examples")]
ERRATA = [case for k in range(30) for case in about(f"erratum-{k:02d}", "errata")]
PLAIN = [Case(f"tests/test_plain.py::test_{k}", f"tests/test_plain.py::test_{k}") for k in range(25)]
SUITE = FORMULAS + EXAMPLES + ERRATA + PLAIN


def shards_of(cases, shards):
    """The shard of each test by its name."""
    return dict(zip((case.name for case in cases), deal(cases, shards), strict=True))


@pytest.mark.parametrize("shards", [1, 2, 3, 4, 7, 200])
def test_every_test_has_one_shard(shards):
    dealt = deal(SUITE, shards)
    assert len(dealt) == len(SUITE)
    assert set(dealt) <= set(range(1, shards + 1))
    assert shards > len(SUITE) or set(dealt) == set(range(1, min(shards, 103) + 1))


@pytest.mark.parametrize("shards", [2, 4, 7])
def test_each_shard_gets_its_part_of_each_kind(shards):
    dealt = shards_of(SUITE, shards)
    for kind in (FORMULAS, EXAMPLES, ERRATA, PLAIN):
        size = Counter(dealt[case.name] for case in kind)
        numbers = [size[shard] for shard in range(1, shards + 1)]
        of_one_record = 2 if kind is FORMULAS else 1
        assert max(numbers) - min(numbers) <= of_one_record


def test_tests_about_one_record_stay_together():
    dealt = shards_of(SUITE, 4)
    for case in FORMULAS:
        assert dealt[case.name] == dealt[case.name.replace("proofs", "gradients")]


def test_a_test_about_two_records_brings_them_together():
    chain = [Case("both", f"both[{k}]", (f"k{k}", f"k{k + 1}")) for k in range(0, 20, 2)]
    links = [Case("link", f"link[{k}]", (f"k{k + 1}", f"k{k + 2}")) for k in range(0, 18, 2)]
    assert len(set(deal(chain, 4))) == 4
    assert len(set(deal([*chain, *links], 4))) == 1


def test_the_order_of_the_tests_does_not_matter():
    expected = shards_of(SUITE, 4)
    for seed in range(5):
        shuffled = random.Random(seed).sample(SUITE, len(SUITE))
        assert shards_of(shuffled, 4) == expected


def test_a_key_is_no_name_of_a_test():
    keyed, named = Case("f", "f[a]", ("g",)), Case("g", "g")
    assert deal([keyed, named], 2) == [1, 2]


def test_more_shards_than_tests_leave_some_empty():
    assert deal(PLAIN[:2], 4) == [1, 2]
    assert deal([], 4) == []


@pytest.mark.parametrize(("text", "shard"), [("1/1", Shard(1, 1)), ("2/4", Shard(2, 4)), ("12/12", Shard(12, 12))])
def test_a_shard_is_written_k_of_n(text, shard):
    assert Shard.parse(text) == shard
    assert str(shard) == text


BAD = ["", "2", "/", "0/4", "5/4", "0/0", "1/0", "-1/4", "1/-4", "+1/4", "1.0/4", "a/b", " 1/4", "1/4\n", "1 / 4"]


@pytest.mark.parametrize("text", [*BAD, "1/2/3", "²/4", "٢/٤", "1/" + "9" * 5000, "1/4; echo"])
def test_anything_else_is_refused(text):
    with pytest.raises(CannotShard, match="is not K/N with 1 <= K <= N, as in 2/4"):
        Shard.parse(text)


def test_the_same_seed_draws_the_same_places_whatever_else_is_imported(tmp_path, monkeypatch):
    problem = Problem(name="p", loss=lambda p, d: 0.0, sizes={"m": (1, 9)}, draw=lambda sizes, rng: ({}, {}))

    def drawn():
        places = []
        search(random_place(problem), places.append, 500, seed=0)
        return places

    before = drawn()
    (tmp_path / "numbers_by_the_hundred.py").write_text(f"NUMBERS = {list(range(100_000, 100_400))}\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("numbers_by_the_hundred")
    assert drawn() == before
