"""The second examination: wrong gradients, by somebody who had seen neither the mistakes that the diagnosis knows nor
the two sets before.

They are ordinary slips, in code of many hands. A file beside this one whose name begins with retake_ is found, no list
is kept.
"""

from importlib import import_module
from pathlib import Path

from tests.diagnosis.blind_case import Case

TOPICS = [
    import_module(f"tests.diagnosis.{file.stem}")
    for file in sorted(Path(__file__).parent.glob("retake_*.py"))
    if file != Path(__file__)
]
CASES = tuple(case for topic in TOPICS for case in vars(topic).values() if isinstance(case, Case))
