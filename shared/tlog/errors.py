"""The one family of exceptions of this package."""


class TlogError(ValueError):
    """Input, or a request, that the specification does not allow; the message says why in one
    line."""


class SignatureRejected(TlogError):
    """A well-formed note without a signature of a trusted key, or with a false one."""


class QuorumMissing(TlogError):
    """A checkpoint of a known log that too few of the policy's witnesses have cosigned."""
