"""A disk that takes no more than so many bytes of a file, for tests of what then is kept and
told."""

import contextlib
import resource
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def full(after: int = 0) -> Iterator[None]:
    """The system takes no more of any file than these bytes, as where a disk is full; by limit, so
    that no right to mount is needed."""
    before, told = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, told)
