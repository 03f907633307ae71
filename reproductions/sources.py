"""The documents whose systems are run here, by the letter of their catalogue numbers."""

from derivations.sources import A, B, C, D, E

__all__ = ["A", "B", "C", "D", "E"]
