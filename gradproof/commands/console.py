"""What all commands share: how they print, and the error that ends one with exit status 2."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from gradproof.documents import DOCUMENTS
from gradproof.errors import GradproofError


class CannotAnswer(GradproofError):
    """A request that cannot be met; the message says why, and what can be asked instead."""


def say(lines: Iterable[str], stream: str = "stdout") -> None:
    for line in lines:
        getattr(sys, stream).write(line + "\n")
        getattr(sys, stream).flush()


def add_catalogue(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--catalogue",
        default=DOCUMENTS,
        metavar="DERIVATIONS:IMPLEMENTATIONS",
        help="two packages of your own that hold formulas and their implementations; default: the documents'",
    )
