"""The runtime's own answers to a command, beside the domain's Rejected and Missing. None of them is
a bug."""

from uuid import UUID

from shared.contract.authority import Role


class Conflict(Exception):
    """Something was said or heard of the incident since the command was decided; it is decided
    again."""

    def __init__(self, subject_id: UUID, expected: int, actual: int) -> None:
        super().__init__(f"incident {subject_id} is at version {actual}, not at {expected}")
        self.subject_id = subject_id
        self.expected = expected
        self.actual = actual


class Stale(Exception):
    """The caller's `If-Match` names a version that the incident has left."""

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(f"the incident is at version {actual}, not at {expected}")
        self.expected = expected
        self.actual = actual


class IdempotencyMismatch(Exception):
    """The same idempotency key came with another request."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the idempotency key {key!r} was used for another request")
        self.key = key


class Unauthenticated(Exception):
    """Nobody knows who is calling."""


class Forbidden(Exception):
    """The caller is known and may not; `roles` may."""

    def __init__(self, roles: tuple[Role, ...], detail: str | None = None) -> None:
        super().__init__(detail or f"this is for {' or '.join(roles)}")
        self.roles = roles


class Malformed(Exception):
    """A header or parameter is not what it must be; the message says what it must be."""
