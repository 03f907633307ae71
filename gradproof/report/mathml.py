"""LaTeX to MathML that a page can hold: no element and no attribute but those of formulas, all text escaped.

latex2mathml turns LaTeX into a tree; its own text of that tree is not used, for it takes escapes back (``\\text{<b>}``
would be an element of the page).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from gradproof.errors import NotRun

ELEMENTS = frozenset(
    {
        "math", "menclose", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom",
        "mprescripts", "mroot", "mrow", "ms", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable",
        "mtd", "mtext", "mtr", "munder", "munderover",
    }
)  # fmt: skip
ATTRIBUTES = frozenset(
    {
        "accent", "accentunder", "columnalign", "columnlines", "columnspacing", "depth", "display",
        "displaystyle", "fence", "form", "height", "largeop", "linebreak", "linethickness", "lspace",
        "mathsize", "mathvariant", "maxsize", "minsize", "movablelimits", "notation", "rowlines", "rowspacing",
        "rspace", "scriptlevel", "separator", "stretchy", "symmetric", "voffset", "width",
    }
)  # fmt: skip
OPEN = re.compile(r"\\(?:left|begin)(?![A-Za-z])")
CLOSE = re.compile(r"\\(?:right|end)(?![A-Za-z])")
QUAD = re.compile(r"\\q?quad(?![A-Za-z])")
TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|.", re.DOTALL)


def display(latex: str) -> list[str]:
    """One ``<math>`` for each of the equations that ``latex`` sets side by side, parted by ``\\quad``.

    Raises NotRun with the reason where it cannot be set: latex2mathml is missing, or does not know a command.
    """
    return [equation(part) for part in side_by_side(latex)]


def equation(latex: str) -> str:
    """``latex`` as one ``<math>`` in a line of its own. Raises NotRun as display does."""
    try:
        from latex2mathml.converter import convert_to_element
    except ImportError as error:
        raise NotRun("latex2mathml is not installed") from error
    try:
        return "".join(markup(convert_to_element(latex, display="block")))
    except Exception as error:  # whatever it raises at what it does not know, IndexError and RecursionError among them
        raise NotRun(f"not LaTeX that latex2mathml knows ({type(error).__name__})") from error


def side_by_side(latex: str) -> list[str]:
    """The parts between the ``\\quad`` that stand outside all braces and environments."""
    parts, depth = [""], 0
    for token in TOKEN.findall(latex):
        depth += token == "{" or bool(OPEN.fullmatch(token))
        depth -= token == "}" or bool(CLOSE.fullmatch(token))
        if depth == 0 and QUAD.fullmatch(token):
            parts.append("")
        else:
            parts[-1] += token
    return [part.strip() for part in parts if part.strip()]


def markup(element: Element) -> Iterator[str]:
    """The element and all in it as text; of one that no formula needs, only what is in it."""
    known = element.tag in ELEMENTS
    if known:
        attributes = "".join(
            f' {name}="{html.escape(value)}"' for name, value in sorted(element.items()) if name in ATTRIBUTES
        )
        yield f"<{element.tag}{attributes}>"
    yield escaped(element.text)
    for child in element:
        yield from markup(child)
        yield escaped(child.tail)
    if known:
        yield f"</{element.tag}>"


def escaped(text: str | None) -> str:
    """latex2mathml writes characters as references (``&#x003C;``), and counts on their being taken for characters."""
    return html.escape(html.unescape(text or ""), quote=False)
