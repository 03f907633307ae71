"""The errors a person can meet, each raised with one sentence that names the thing and the way out."""


class GradproofError(Exception):
    """Base of every error gradproof raises on purpose."""


class InvalidProblem(GradproofError, ValueError):
    """The problem itself cannot be checked: its loss, parameters, sizes or draw are not what they must be."""


class CannotTrace(GradproofError, TypeError):
    """A loss uses a NumPy operation that an oracle cannot follow; the message names it and the way round."""


class NotRun(GradproofError):
    """An oracle does not apply or could not run at a point; the message is the reason shown to the user."""


class NoPrecision(NotRun):
    """No statement is possible at a point: the loss overflows there, is not finite, or has a kink."""
