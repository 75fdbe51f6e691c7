"""The one family of exceptions of this package."""


class TlogError(ValueError):
    """What was read, or asked for, is not what the specification allows; the message says what in
    one line."""


class SignatureRejected(TlogError):
    """A well-formed note that no trusted key signed, or that carries a false signature of a trusted
    key."""


class QuorumMissing(TlogError):
    """A checkpoint of a known log which too few of the policy's witnesses have cosigned."""
