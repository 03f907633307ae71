"""The ratios of a run, printed at its end: what a timing is worth is its ratio to something else."""

import pytest

RATIOS = pytest.StashKey[list[str]]()


def pytest_configure(config):
    config.stash[RATIOS] = []


@pytest.fixture
def show_ratio(pytestconfig):
    return pytestconfig.stash[RATIOS].append


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[RATIOS]:
        terminalreporter.section("ratios, from alternating blocks in one run")
    for line in config.stash[RATIOS]:
        terminalreporter.write_line(line)
