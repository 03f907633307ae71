"""What a formula asks of somebody's code, in plain data: enough to adapt the code without knowing the formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Contract:
    """The names and shapes of one problem.

    params, data: names, in the order in which the problem draws them. is_layer: the code gets an upstream gradient.
    shapes: name of a parameter, of data, or "upstream" -> the sizes it is made of, ``{"W": ("n", "n"), "c": ("m",)}``,
    as far as they are known. also_called: other names in use for a parameter, for data or for a size,
    ``{"W": ("Whh", "W_hh")}``.
    example: values at sizes that are pairwise different, as lists and numbers: ``{"params": {...}, "data": {...},
    "upstream": ...}``, on which code may be tried; empty where there is none.
    """

    params: tuple[str, ...]
    data: tuple[str, ...]
    is_layer: bool = False
    shapes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    also_called: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    example: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Contract(({', '.join(self.params)}), ({', '.join(self.data)}))"

    def spellings(self, *names: str) -> dict[str, tuple[str, ...]]:
        """Each name with the others it goes by, its own first."""
        return {name: (name, *self.also_called.get(name, ())) for name in names}

    @property
    def size_names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(size for axes in self.shapes.values() for size in axes))

    def sizes(self, params: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, int]:
        """The sizes that the shapes of these values show."""
        found: dict[str, int] = {}
        for name, value in {**data, **params}.items():
            found.update(zip(self.shapes.get(name, ()), np.shape(value), strict=False))
        return found

    def values(self, ones: Mapping[str, int] | None = None) -> tuple[dict[str, Any], dict[str, Any], Any]:
        """(params, data, upstream) of the example, in float64; cut to the sizes in ``ones``, which are 1."""

        def cut(name: str, value: Any) -> Any:
            value, axes = array(value), self.shapes.get(name, ())
            return value[tuple(slice((ones or {}).get(size)) for size in axes)].copy() if axes else value

        params, data = ({n: cut(n, v) for n, v in self.example[part].items()} for part in ("params", "data"))
        return params, data, cut("upstream", self.example["upstream"])


def array(value: Any) -> Any:
    """Lists and floats as arrays; what is neither, such as an integer label, as it is."""
    return np.asarray(value) if isinstance(value, list | float) else value
