"""The order and the headings of what is shown by its source: catalogue numbers and titles."""

from __future__ import annotations

import os.path
import re
from collections.abc import Sequence


def natural(row: str) -> tuple[tuple[str, int], ...]:
    """Catalogue numbers in their order: A-E2 before A-E10."""
    return tuple((letters, int(digits or 0)) for letters, digits in re.findall(r"(\D+)(\d*)", row))


def common_title(sources: Sequence[str]) -> str:
    """What sources, "document, section", have in common: the title of their document."""
    common = os.path.commonprefix(list(sources))  # noqa: RUF071 (by character is meant)
    return common.rpartition(", ")[0] if ", " in common and len(sources) > 1 else common
