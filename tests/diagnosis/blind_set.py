"""The blind set: wrong gradients, written by somebody who had not seen which mistakes the diagnosis knows.

Each is complete code as a person writes it, with its slip. The files beside this one have them by topic; a file whose
name begins with blind_ is found, no list is kept.
"""

from importlib import import_module
from pathlib import Path

from tests.diagnosis.blind_case import Case

TOPICS = [
    import_module(f"tests.diagnosis.{file.stem}")
    for file in sorted(Path(__file__).parent.glob("blind_*.py"))
    if file != Path(__file__)
]
CASES = tuple(case for topic in TOPICS for case in vars(topic).values() if isinstance(case, Case))
