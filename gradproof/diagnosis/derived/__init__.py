"""Mistakes in a derivation: every program one mistake away from a proved one, and the gradients it leads to.

Read next: ``slips`` (a rule for each kind of mistake in one place of a formula), ``parts``, ``recursions``, ``uses``
(what goes wrong in several places at once), ``mistakes`` (all of them), ``table`` (what they lead to, at a few points).
``evaluate`` and ``program`` run the wrong formulas, ``phrases`` writes them down.
"""
