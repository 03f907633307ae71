"""``gradproof template KEY`` writes a starting file with TODOs, which ``gradproof check`` then grades."""

from __future__ import annotations

import argparse
import keyword
import sys
import textwrap
from pathlib import Path
from typing import Any

from gradproof import documents
from gradproof.commands.console import CannotAnswer, add_catalogue, say
from gradproof.commands.facts import Facts, listed
from gradproof.excerpt import CannotExcerpt, excerpt

FUNCTION, OBJECT = "function", "object"
NUMPY = "import numpy as np"
WIDTH = 100


def add(commands: Any) -> None:
    about = "Write a file with TODOs for the gradient of a formula, and with its loss as the check computes it."
    parser = commands.add_parser("template", help="start a file", description=about)
    parser.add_argument("key", metavar="KEY", help="one of those that 'gradproof list' shows")
    parser.add_argument(
        "--style",
        choices=(FUNCTION, OBJECT),
        default=FUNCTION,
        help="a function gradients(...), or an object with forward and backward; default: %(default)s",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="a new file; default: standard output")
    add_catalogue(parser)
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    catalogue = documents.catalogue(options.catalogue)
    formula = catalogue.formula(options.key)
    path: Path | None = options.output
    text = starting_file(Facts(formula, catalogue.implementations[formula.key]), options.style, path or Path("FILE.py"))
    if path is None:
        say([text.rstrip("\n")])
        return 0
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise CannotAnswer(f"{path} is there already and may be somebody's work; name a new file") from error
    except OSError as error:
        raise CannotAnswer(f"{path} cannot be written: {error.strerror}") from error
    say([f"written: {path}", f"check it: gradproof check {path} --as {formula.key}"])
    return 0


# The file -----------------------------------------------------------------------------------------------------------


def starting_file(facts: Facts, style: str = FUNCTION, path: Path = Path("FILE.py")) -> str:
    """The text of the file: what is asked for, the loss or output, and the gradient to be filled in."""
    imports, forward = forward_pass(facts)
    body = function(facts) if style == FUNCTION else with_forward(facts)
    return "\n\n\n".join([heading(facts, path) + import_lines(imports), *forward, body])


def heading(facts: Facts, path: Path) -> str:
    formula = facts.formula
    rows = {
        "source": formula.source,
        "holds for": formula.domain_text,
        "parameters": listed(facts.parameters),
        "data": listed(facts.data),
        "sizes tried": facts.sizes,
        "check it": f"gradproof check {path} --as {formula.key}",
    }
    lines = [f"{formula.title[:1].upper()}{formula.title[1:]}: the gradient, written by hand.", ""]
    for label, text in rows.items():
        lines += textwrap.wrap(f"{label:12s} {text}", WIDTH, subsequent_indent=" " * 13, break_on_hyphens=False)
    return '"""' + "\n".join(lines).replace("\\", "\\\\") + '\n"""\n\n'


def forward_pass(facts: Facts) -> tuple[list[str], list[str]]:
    """(imports, pieces of the file): the loss or output as the check computes it, with all that it calls."""
    what = "output" if facts.contract.is_layer else "loss"
    given = facts.implementation.output or facts.implementation.loss
    assert given is not None  # a Problem demands one of them
    try:
        imports, definitions = excerpt(given)
    except CannotExcerpt as reason:
        return [], [f"# The {what} cannot be shown here: {reason}."]
    comment = f"# The {what}, as the check computes it: {given.__name__}, with what it calls. Yours to use."
    if frozen := held_constant(facts):
        comment += (
            f"\n# It finds {', '.join(frozen)} in its data, held constant; the code under test does not get that."
        )
    return imports, [f"{comment}\n\n\n{definitions[0]}", *definitions[1:]]


def held_constant(facts: Facts) -> list[str]:
    """Names of data that the loss is given and the code under test is not."""
    params, data, _ = facts.contract.values()
    return [] if facts.formula.frozen is None else list(facts.formula.frozen(params, data))


def import_lines(imports: list[str]) -> str:
    lines = sorted({*imports, NUMPY})
    standard = [line for line in lines if line.split()[1].partition(".")[0] in sys.stdlib_module_names]
    others = [line for line in lines if line not in standard]
    return "\n\n".join("\n".join(group) for group in (standard, others) if group)


# The gradient -------------------------------------------------------------------------------------------------------


def function(facts: Facts) -> str:
    layer = facts.contract.is_layer
    lines = [
        f"def gradients(params, data{', upstream' if layer else ''}):",
        f'    """The gradient of {"<upstream, output>" if layer else "the loss"} by each parameter, of its shape and'
        ' dtype (float64 or float32)."""',
        *unpacked(facts, "    "),
        "    # TODO: compute the gradients here",
        *returned(facts, "    "),
    ]
    return "\n".join(lines) + "\n"


def with_forward(facts: Facts) -> str:
    layer = facts.contract.is_layer
    given = facts.implementation.output or facts.implementation.loss
    if held_constant(facts):
        key = facts.formula.key
        raise CannotAnswer(f"an object's forward pass does not get all that the loss of {key} needs; write a function")
    lines = [
        "class Gradients:",
        "    def forward(self, params, data):",
        f'        """The {"output" if layer else "loss"}, and all that the backward pass needs."""',
        "        cache = (params, data)  # TODO: and the intermediate results that the backward pass uses",
        f"        return {given.__name__ if given else None}(params, data), cache",
        "",
        f"    def backward(self, {'upstream' if layer else 'params, data'}, cache):",
        '        """The gradient by each parameter, of its shape and dtype (float64 or float32)."""',
        *["        params, data = cache"] * layer,
        *unpacked(facts, "        "),
        "        # TODO: compute the gradients here",
        *returned(facts, "        "),
        "",
        "",
        "gradients = Gradients()  # what is checked",
    ]
    return "\n".join(lines) + "\n"


def unpacked(facts: Facts, indent: str) -> list[str]:
    """A local name for each parameter and datum, where its name can be one."""
    lines = []
    for source, names in {"params": facts.contract.params, "data": facts.contract.data}.items():
        shapes = {**facts.data, **facts.parameters}
        local = [name for name in names if name.isidentifier() and not keyword.iskeyword(name)]
        lines += [f'{indent}{name} = {source}["{name}"]  # {shapes[name]}' for name in local]
    return lines


def returned(facts: Facts, indent: str) -> list[str]:
    entries = [f'{indent}    "{name}": None,  # TODO: {shape}' for name, shape in facts.parameters.items()]
    return [f"{indent}return {{", *entries, f"{indent}}}"]
