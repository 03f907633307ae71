"""Those that are compared: gradproof, and how others check gradients. Each gets the same NumPy code."""

from tests.power.checkers import autograd_check_grads, jax_check_grads
from tests.power.checkers.checker import Checker
from tests.power.checkers.gradproof import Gradproof
from tests.power.checkers.relative_error import RelativeError
from tests.power.checkers.scipy_check_grad import CheckGrad
from tests.power.checkers.torch_gradcheck import Gradcheck

CHECKERS: tuple[Checker, ...] = (
    Gradproof(),
    Gradcheck(fast=False),
    Gradcheck(fast=True),
    jax_check_grads.CheckGrads(),
    autograd_check_grads.CheckGrads(),
    CheckGrad(),
    RelativeError(),
)
