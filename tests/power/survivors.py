"""Wrong gradients that gradproof does not reject, each with the reason. One that has none fails the comparison."""

REASONS: dict[tuple[str, str], str] = {}
"""By key and name."""
