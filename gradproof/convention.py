"""The form of code under test, and of what it returns, told without knowing the problem."""

from typing import Any

from numpy import may_share_memory, ndarray, shares_memory

# Bound here by name: in a process that runs somebody's code, it may put something else into NumPy.


def is_two_passes(code: Any) -> bool:
    """Whether it is an object with forward and backward; else it must be a function."""
    return callable(getattr(code, "forward", None)) and callable(getattr(code, "backward", None))


def value_and_cache(returned: Any) -> tuple[Any, Any]:
    """What a forward returned, as the pair that it must be. Raises TypeError."""
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise TypeError(f"forward must return (value, cache), not {type(returned).__name__}")
    return returned


def overlap(a: ndarray, b: ndarray) -> bool:
    """Whether two arrays share memory; True where that is too hard to decide exactly."""
    try:
        return shares_memory(a, b, max_work=10**5)  # type: ignore[arg-type]  # the stubs know two values only
    except Exception:  # NumPy's TooHardError has moved between modules
        return may_share_memory(a, b)
