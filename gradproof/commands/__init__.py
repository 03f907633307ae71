"""The command ``gradproof``, also ``python -m gradproof``: one module for each of its commands.

A module has ``add(commands)``, which adds its parser; that names the function that does what is asked.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from gradproof.commands import check, grade, listing, report, template
from gradproof.commands.console import say
from gradproof.errors import GradproofError


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked, and return the exit status, which is the command's to say.

    Raises SystemExit(2), with one message on stderr, for a request that cannot be met.
    """
    options = command_line().parse_args(arguments)
    try:
        return options.run(options)
    except GradproofError as error:
        say([f"{options.parser.prog}: error: {error}"], "stderr")
        raise SystemExit(2) from error
    except BrokenPipeError:  # whoever read the output has seen enough: ``gradproof list | head``
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def command_line() -> argparse.ArgumentParser:
    about = "Hand-written gradients, held against proved formulas and independent oracles."
    parser = argparse.ArgumentParser(prog="gradproof", description=about)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (listing, template, check, grade, report):
        command.add(commands)
    return parser
