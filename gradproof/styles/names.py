"""Which of the names in somebody's code is which of ours: by name, by other names in use, then by these loosely."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from gradproof.styles.adapted import Unrecognised

OF_A_GRADIENT = (
    re.compile(r"(?:gradients?|grads?|nabla|delta|g)_?(?:of_?)?(.+)", re.IGNORECASE),
    re.compile(r"d_?(?:loss|cost|[ljez])_?/?d_?(.+)", re.IGNORECASE),
    re.compile(r"(?:partial_?|d_?)(.+)"),
    re.compile(r"(.+?)_?(?:gradients?|grads?|bar)", re.IGNORECASE),
)
"""How a gradient is called after what it is the gradient of: dW, d_W, grad_W, nabla_W, dL_dW, W_grad, W_bar."""


def matched(wanted: Mapping[str, tuple[str, ...]], found: Iterable[str], *, gradients: bool = False) -> dict[str, str]:
    """Name of ours -> name of theirs, for each that is found. A closer spelling goes before a looser one.

    wanted: name -> its spellings, its own first. gradients: theirs are names of gradients by what is wanted.
    Raises Unrecognised where two of theirs are as close.
    """
    free, chosen = list(dict.fromkeys(found)), dict[str, str]()
    for spelt_alike in levels(gradients):
        fitting = {
            name: [text for text in free if spelt_alike(text, spellings)]
            for name, spellings in wanted.items()
            if name not in chosen
        }
        for name, texts in fitting.items():
            if len(texts) > 1:
                raise Unrecognised(f"{name} may be either of {' and '.join(texts)}: rename or remove all but one")
            if texts and not any(texts[0] in others for other, others in fitting.items() if other != name):
                chosen[name] = texts[0]
                free.remove(texts[0])
    return chosen


def levels(gradients: bool) -> Iterator[Callable[[str, tuple[str, ...]], bool]]:
    yield lambda text, spellings: text == spellings[0]
    yield lambda text, spellings: text in spellings
    yield lambda text, spellings: bare(text) in map(bare, spellings)
    yield lambda text, spellings: loose(text) in map(loose, spellings)
    if gradients:
        yield lambda text, spellings: any(part == spellings[0] for part in stripped(text))
        yield lambda text, spellings: any(bare(part) in map(bare, spellings) for part in stripped(text))
        yield lambda text, spellings: any(loose(part) in map(loose, spellings) for part in stripped(text))


def bare(text: str) -> str:
    """Without underscores and what else is no letter and no digit: W_hh is Whh, and _w is w."""
    return re.sub(r"[\W_]", "", text)


def loose(text: str) -> str:
    return bare(text).lower()


def stripped(text: str) -> list[str]:
    """What the name of a gradient can be the gradient of."""
    fits = (pattern.fullmatch(text) for pattern in OF_A_GRADIENT)
    return [fit.group(1) for fit in fits if fit]
