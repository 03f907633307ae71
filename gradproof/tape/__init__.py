"""A reverse-mode tape over NumPy that carries, beside every value and every adjoint, a running rounding-error bound.

The loss runs on ``Traced`` arrays in long double. Beside each value stands how far a correct program in the dtype under
test may be from it; the backward sweep turns that into a bound on every entry of the gradient. All errors are in units
of u, the unit roundoff of that dtype, so that one sweep serves the bound for any choice of u up to second order.

    arrays.py       Tape, Node, Traced: recording, and the backward sweep
    elementwise.py  a table of ufuncs: value, local derivative, and how wrong a program may have them
    contractions.py products and sums of products, in any spelling of np.einsum; outer.py adds up what comes back
    linear.py       reductions, selections and rearrangements, and the face of the contractions
    positions.py    where the largest and smallest entries are
"""

from gradproof.tape import elementwise, linear, positions
from gradproof.tape.arrays import ELEMENTARY, Tape, Traced, Working

__all__ = ["ELEMENTARY", "Tape", "Traced", "Working", "elementwise", "linear", "positions"]
