"""What a right diagnosis may say of a gradient as a whole, beside the formulas of exam_wording."""

from tests.diagnosis.exam_wording import OPPOSITE_SIGN, divided_by, said, times, without

WRONG_SIGN = rf"{OPPOSITE_SIGN}|sign is wrong|minus the exact"
HALF = rf"half (?:of )?the exact|(?:1 ?/ ?2|0\.5) times the exact|{without('2')}|{divided_by('2')}"
TWICE = rf"twice the exact|2 times the exact|{times('2')}"
FROM_THE_OTHER_END = r"other end|index of -1|wraps"
ONE_LEFT_OUT = r"(?:without|lacks|leaves out|omits)(?: the)?(?: term)? ?-? ?1\b(?! ?[-+*/])"
NOT_ADDED_UP = r"(?:without|lacks|leaves out|omits)(?: the)? sum\b"
AGAIN = r"(?:applied )?(?:again|twice|a second time)"


def is_zero(parameter: str) -> str:
    """A whole gradient is zero."""
    return rf"(?-i:\bd{parameter}) (?:is|equals|are) (?:zero|0)\b"


def taken_as_zero(array: str) -> str:
    """One array of the formula is zero."""
    return rf"{said(array)} (?:is )?(?:taken )?as (?:zero|0)\b"


def multiple(factor: str) -> str:
    """There is a factor too many, or a division by it is missing, wherever the sentence puts it."""
    return rf"{said(factor)} times the exact|{times(factor)}"
