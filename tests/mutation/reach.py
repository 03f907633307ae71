"""Which test runs which statements of the core, seen once: a mistake in statements that no test runs is not noticed."""

from __future__ import annotations

import ast
import builtins
import gc
import json
import os
import tempfile
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType

import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.child import FAILED, GOOD, OPTIONS, Child, Say
from tests.mutation.core import SLOW, TESTS, modules
from tests.mutation.loading import load_from
from tests.mutation.mutants import ROOT, Mutant, path_of, sites, starts_block, tree_of

Block = tuple[str, int]
"""A list of statements: its module, and its number there."""

PROBE = "__reached__"
"""The name under which the code of the core, as it is loaded here, finds what it calls at the head of each block."""

AT_IMPORT = ""
"""What stands for a test where there is none: while the tests are collected."""

ENOUGH = 20.0
"""Seconds of tests that a mutant is tried with at most."""


@dataclass(frozen=True)
class Reach:
    """What the tests run.

    seconds: processor time of each test, run alone. blocks: what it runs. imported: what is run when the tests are
    collected.
    """

    seconds: Mapping[str, float]
    blocks: Mapping[str, frozenset[Block]]
    imported: frozenset[Block]

    def is_deferred(self, mutant: Mutant) -> bool:
        """Whether nothing that is done at import depends on it."""
        inside = {(mutant.module, block) for block in mutant.context.blocks}
        return mutant.context.deferred and not inside & self.imported

    def of(self, test: str) -> dict[str, float]:
        """One test with its time; nothing where it does not exist any more."""
        return {test: self.seconds[test]} if test in self.seconds else {}

    def order(self, mutant: Mutant) -> dict[str, float]:
        """Tests that run the statements of a mutant, with their times: the quickest of each file, which all have an
        equal share of ENOUGH.

        What is done at import may be on the way of any test in a file of which one runs anything of the module.
        """
        block = (mutant.module, *mutant.context.blocks[-1:])
        reaching = {test for test, blocks in self.blocks.items() if block in blocks}
        if not self.is_deferred(mutant):
            of_module = {file_of(test) for test, blocks in self.blocks.items() if mutant.module in dict(blocks)}
            reaching |= {test for test in self.blocks if file_of(test) in of_module}
        files: dict[str, list[str]] = {}
        for test in sorted(reaching, key=lambda test: (self.seconds[test], test)):
            files.setdefault(file_of(test), []).append(test)
        seconds: dict[str, float] = {}
        for tests in files.values():
            left = ENOUGH / len(files)
            for test in tests:
                left -= self.seconds[test]
                if left >= 0:
                    seconds[test] = self.seconds[test]
        return by_file(seconds)


def by_file(seconds: Mapping[str, float]) -> dict[str, float]:
    """The same tests, those of a file together, and first those of the file that is done soonest."""
    files: dict[str, float] = {}
    for test, time_taken in seconds.items():
        files[file_of(test)] = files.get(file_of(test), 0.0) + time_taken
    return {test: seconds[test] for test in sorted(seconds, key=lambda test: (files[file_of(test)], file_of(test)))}


def file_of(test: str) -> str:
    return test.partition("::")[0]


def reach(only: Collection[str] | None = None) -> Reach:
    """Run the tests of the core, or some of them, each in a process of its own. Raises RuntimeError where one fails."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reached.jsonl"
        child = Child(partial(watch, path, only))
        if os.waitpid(child.pid, 0)[1]:
            raise RuntimeError(f"{child.note or 'a test'} fails before anything is changed: no mutant can be judged")
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    blocks = {line["test"]: frozenset(map(tuple, line["blocks"])) for line in lines}
    return Reach({line["test"]: line["seconds"] for line in lines[1:]}, blocks, blocks.pop(AT_IMPORT))


def watch(path: Path, only: Collection[str] | None, say: Say) -> int:
    """Run tests and write into a file what each reaches."""
    reached: set[Block] = set()
    setattr(builtins, PROBE, lambda *block: reached.add(block))
    load_from({module: partial(probed, module) for module in modules()})
    os.chdir(ROOT)
    return 0 if pytest.main([*OPTIONS, *TESTS], plugins=[Watch(path, reached, only, say)]) in GOOD else FAILED


def probed(module: str) -> CodeType:
    """The code of a module in which each block says that it runs."""
    tree = tree_of(module)
    heads = {}
    for site, context in sites(tree):
        if starts_block(site.parent, site.field):
            heads.setdefault(context.blocks[-1], (site.parent, site.field))
    for block, (parent, field) in heads.items():
        call = ast.parse(f"{PROBE}({module!r}, {block})", mode="eval").body
        body = getattr(parent, field)
        if isinstance(body, list):
            at = int(ast.get_docstring(parent) is not None) if isinstance(parent, ast.FunctionDef) else 0
            body.insert(at, ast.Expr(call))
        else:  # a lambda's
            setattr(parent, field, ast.Subscript(ast.Tuple([call, body], ast.Load()), ast.Constant(1), ast.Load()))
    return compile(ast.fix_missing_locations(tree), str(path_of(module)), "exec", dont_inherit=True)


class Watch:
    """The pytest plugin that runs each test in a process of its own: what one has cached no other finds."""

    def __init__(self, path: Path, reached: set[Block], only: Collection[str] | None, say: Say) -> None:
        self.path, self.reached, self.only, self.say = path, reached, only, say

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.name not in SLOW and (self.only is None or item.nodeid in self.only)]
        self.write(AT_IMPORT, 0.0)
        gc.freeze()  # what there is by now is shared by all processes, and nobody need look through it

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool:
        child = Child(partial(self.run, item))
        if os.waitpid(child.pid, 0)[1]:
            self.say(item.nodeid)
            item.session.shouldfail = f"{item.nodeid} fails"
        return True

    def run(self, item: pytest.Item, _: Say) -> int:
        self.reached.clear()
        reports = runtestprotocol(item, nextitem=None, log=False)
        self.write(item.nodeid, time.process_time())
        return FAILED if any(report.failed for report in reports) else 0

    def write(self, test: str, seconds: float) -> None:
        line = {"test": test, "seconds": seconds, "blocks": sorted(self.reached)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
