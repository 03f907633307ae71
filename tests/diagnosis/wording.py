"""Patterns of a right diagnosis, free in their words and strict in their formulas."""

import re


def said(formula: str) -> str:
    """The formula however it is spaced, * left out or not, ^ or ** for a power; or one of several, between " or "."""
    return f"(?:{'|'.join(map(_one, formula.split(' or ')))})"


def _one(formula: str) -> str:
    optional = {"*": r"\*?", "^": r"(?:\^|\*\*)"}
    tokens = re.findall(r"\w+|\S", formula)
    text = r"\s*".join(optional.get(token, re.escape(token)) for token in tokens)
    before = r"(?<![\w^])" if tokens[0][0].isalnum() else ""
    after = r"(?![\w^\[(])" if tokens[-1][-1].isalnum() or tokens[-1] == "]" else ""
    return f"(?-i:{before}{text}{after})"


def instead(found: str, belongs: str) -> str:
    """``found`` stands where ``belongs`` does."""
    return rf"{said(found)}\)?(?: at every step)? (?:where|instead of|in place of|for) (?:the )?\(?{said(belongs)}"


def without(part: str) -> str:
    """A factor or a term is missing."""
    return rf"(?:without|lacks|leaves out|omits|drops|misses|missing)\b[^,;.]{{0,40}}?(?<!/){said(part)}"


def only(part: str) -> str:
    """One term is left of a sum, ``t = T``."""
    return rf"only\b[^,;.]{{0,30}}?{said(part)}"


def divided_by(size: str) -> str:
    """There is a division too many."""
    return rf"(?:divided by|(?:times|factor) \(?1 ?/) ?{said(size)}"


def times(factor: str) -> str:
    """There is a factor too many, or a division by it is missing."""
    division = rf"(?:without|lacks|misses)\b[^,;.]{{0,40}}?(?:1 ?/ ?|division by ){said(factor)}"
    return rf"(?:times|multiplied by|with the factor) \(?{said(factor)}|{division}"


def multiple(factor: str) -> str:
    """There is a factor too many, or a division by it is missing, wherever the sentence puts it."""
    return rf"{said(factor)} times the exact|{times(factor)}"


def taken_as_zero(array: str) -> str:
    """One array of the formula is zero."""
    return rf"{said(array)} (?:is )?(?:taken )?as (?:zero|0)\b"


# ---- of a gradient as a whole -------------------------------------------------------------------------------------


def is_zero(parameter: str) -> str:
    """A whole gradient is zero."""
    return rf"(?-i:\bd{parameter}) (?:is|equals|are) (?:zero|0)\b"


OPPOSITE_SIGN = r"(?:opposite sign|wrong sign|sign (is )?(reversed|flipped|wrong)|minus the exact|times -1\b)"
HALVED = r"half (?:of )?the exact|(?:1 ?/ ?2|0\.5) times the exact|divided by 2|without the factor 2(?![*\w^])"
DOUBLED = rf"twice the exact|factor 2 too many|{multiple('2')}"
TRANSPOSED = r"transpos"
FROM_THE_OTHER_END = r"other end|index of -1|wraps"
ONE_LEFT_OUT = r"(?:without|lacks|leaves out|omits)(?: the)?(?: term)? ?-? ?1\b(?! ?[-+*/])"
NOT_ADDED_UP = r"(?:without|lacks|leaves out|omits)(?: the)? sum\b"
AGAIN = r"(?:applied )?(?:again|twice|a second time)"
