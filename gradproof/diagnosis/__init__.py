"""What is wrong with a gradient: the known mistake that reproduces it, named.

Read next: ``diagnosis`` (the answer), ``search`` (which mistakes explain what), ``evidence`` and ``probe`` (what the
code claims, and where). The mistakes are in ``derived`` (one away from a proved formula), ``generic`` (what can be seen
without a derivation) and ``steps`` (where in a recurrence).
"""

from gradproof.diagnosis.diagnosis import Diagnosis, diagnose

__all__ = ["Diagnosis", "diagnose"]
