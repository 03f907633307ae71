"""Independent sources of the gradient. Each module here defines one, as ``ORACLE``; adding one is adding a file."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from gradproof.oracles.base import Direction, Estimate, Oracle

__all__ = ["Direction", "Estimate", "Oracle", "all_oracles"]


@cache
def all_oracles() -> dict[str, Oracle]:
    """Every oracle by name, in the order in which the reports show them."""
    modules = (importlib.import_module(info.name) for info in pkgutil.iter_modules(__path__, f"{__name__}."))
    found = [module.ORACLE for module in modules if hasattr(module, "ORACLE")]
    return {oracle.name: oracle for oracle in sorted(found, key=lambda oracle: oracle.order)}
