"""The figures of intake's rules."""

from datetime import timedelta
from typing import Final

ANONYMOUS: Final = "anonymous"
"""The actor of an anonymous report: the caller's own subject would give the sender away."""

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""How far a reporter's clock may be ahead of ours."""
