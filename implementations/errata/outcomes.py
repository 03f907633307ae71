"""What a line of code comes to when it is run: its value, or the error that ends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradproof.errors import NotRun

ERRORS = (AttributeError, RuntimeError, TypeError, ValueError)


def outcome(call: Callable[[], Any]) -> Any:
    """What ``call()`` returns, or the name and message of the error it raises."""
    try:
        return call()
    except ERRORS as error:
        return f"{type(error).__name__}: {error}"


def pytorch() -> Any:
    """The module torch. Raises NotRun where it is not installed."""
    try:
        import torch
    except ImportError as error:
        raise NotRun("PyTorch is not installed") from error
    return torch
