"""What the documents say of their systems, in the quick form: each system run with a few seeds, each claim a test."""

import pytest

from reproductions.runner import execute
from tests.catalogue import REPRODUCTIONS

CLAIMS = [(reproduction, claim) for reproduction in REPRODUCTIONS.values() for claim in reproduction.claims]


@pytest.fixture(scope="session")
def judged(request):
    """What became of every claim, by key: the systems that any selected test is about, run once, two at a time."""
    about = (item.callspec.params["reproduction"] for item in request.session.items if "judged" in item.fixturenames)
    outcomes = execute(dict.fromkeys(about), quick=True, workers=2, progress=False)
    return {each.key: each for outcome in outcomes for each in outcome.judged()}


@pytest.mark.parametrize(
    ("reproduction", "claim"), CLAIMS, ids=[f"{reproduction.key}: {claim.name}" for reproduction, claim in CLAIMS]
)
def test_claim(reproduction, claim, judged, gradproof_results):
    outcome = judged[f"{reproduction.key}: {claim.name}"]
    gradproof_results.add(outcome)
    if outcome.status == "inconclusive":
        pytest.skip(outcome.because)
    assert outcome.status == "pass", f"\n{outcome}"
