"""What benchmarks share: the gate before a timing, and the tables at the end of a run."""

import pytest

from gradproof.provenance import environment, version
from tests.benchmarks import gate, table
from tests.benchmarks.contestants import KERNELS

PUBLISHED, RATIOS = pytest.StashKey[list[dict]](), pytest.StashKey[list[str]]()


def pytest_configure(config):
    config.stash[PUBLISHED], config.stash[RATIOS] = [], []
    # pytest-benchmark's own warnings come after a skip or a failure has been said: they are no second failure.
    for message in ("Not saving anything", "Benchmark fixture was not used"):
        config.addinivalue_line("filterwarnings", f"default:{message}")


def pytest_collection_modifyitems(items):
    """Ratios are those of one thread: no benchmark starts where there may be more."""
    if any(item.path.name.startswith("bench_") for item in items) and (reason := gate.not_single_threaded()):
        raise pytest.UsageError(reason)


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(machine_info):
    others = (version(package, name) for package, name in {"numba": "numba", "jax": "JAX"}.items())
    cpu = machine_info.get("cpu", {}).get("brand_raw") or "unknown processor"
    machine_info["environment"] = ", ".join([environment(), *others, cpu])


@pytest.fixture(autouse=True)
def _published(request, pytestconfig):
    """Keeps what a benchmark has to say for the tables."""
    benchmark = request.getfixturevalue("benchmark") if "benchmark" in request.fixturenames else None
    yield
    if benchmark is not None and benchmark.extra_info:
        pytestconfig.stash[PUBLISHED].append({"section": table.section(request.node.nodeid), **benchmark.extra_info})


@pytest.fixture
def show_ratio(pytestconfig):
    return pytestconfig.stash[RATIOS].append


@pytest.fixture
def admitted():
    """``admitted(contestant, shape, dtype)``: its prepared call; skips what is not installed, fails what is not right.

    The project's own kernels have to pass ``verify``; their peers, to agree with the clear one.
    """

    def admit(contestant, shape, dtype):
        if contestant.absent:
            pytest.skip(contestant.absent)
        verdicts = gate.verdicts(contestant, shape) if contestant.name in KERNELS else []
        for verdict in verdicts:
            if not verdict.passed:
                pytest.fail(f"no timing of {contestant.title} without a pass:\n{verdict}", pytrace=False)
        apart = gate.apart(contestant.name, shape, dtype)
        if not apart <= gate.allowed(shape, dtype):
            pytest.fail(f"{contestant.title} at {shape}: {apart:.1e} away from clear NumPy", pytrace=False)
        return gate.prepared(contestant.name, shape, dtype)

    return admit


@pytest.hookimpl(trylast=True)  # after the table of pytest-benchmark itself, which is long
def pytest_terminal_summary(terminalreporter, config):
    said = [*table.lines(table.rows(config.stash[PUBLISHED]), padded=True), *config.stash[RATIOS]]
    if said:
        terminalreporter.section("ratios, from alternating blocks in one run")
    for line in said:
        terminalreporter.write_line(line)
