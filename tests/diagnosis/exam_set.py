"""The examination: wrong gradients, by somebody who had seen neither the mistakes that the diagnosis knows nor the
blind set it was developed on.

They are the slips that people make, in code as they write it. A file beside this one whose name begins with exam_ is
found, no list is kept.
"""

from importlib import import_module
from pathlib import Path

from tests.diagnosis.blind_case import Case

TOPICS = [
    import_module(f"tests.diagnosis.{file.stem}")
    for file in sorted(Path(__file__).parent.glob("exam_*.py"))
    if file != Path(__file__)
]
CASES = tuple(case for topic in TOPICS for case in vars(topic).values() if isinstance(case, Case))
