"""Index-notation calculus: state a loss for every size, differentiate it with SymPy, prove a printed gradient.

A derivation reads like the document it checks::

    n = size("n")
    i = index("i", n)
    x, y = arrays("x y")
    w, b = scalars("w b")
    residual = w * x[i] + b - y[i]
    yield gradient("dL/dw", total(residual**2, i) / n, w, 2 / n * total(residual * x[i], i))

Read next: ``indices`` (what can be named), ``sums`` (the normal form), ``prove`` (what counts as proved), ``samples``
(the numbers a claim is tried at), ``graph`` (computation graphs), ``recurrence`` (backpropagation through time),
``functions`` (functions SymPy lacks).
"""

from gradproof.symbolic.functions import relu, relu_derivative, sigmoid, sigmoid_derivative
from gradproof.symbolic.graph import Graph
from gradproof.symbolic.indices import Index, IndexClash, arrays, delta, index, scalars, size, sizes
from gradproof.symbolic.proof import Checked, Disproved, Proof, Undecided
from gradproof.symbolic.prove import derivation, equal, gradient
from gradproof.symbolic.recurrence import Backpropagation
from gradproof.symbolic.sums import normal_form, total
from gradproof.symbolic.system import Equation, System

__all__ = [
    "Backpropagation",
    "Checked",
    "Disproved",
    "Equation",
    "Graph",
    "Index",
    "IndexClash",
    "Proof",
    "System",
    "Undecided",
    "arrays",
    "delta",
    "derivation",
    "equal",
    "gradient",
    "index",
    "normal_form",
    "relu",
    "relu_derivative",
    "scalars",
    "sigmoid",
    "sigmoid_derivative",
    "size",
    "sizes",
    "total",
]
