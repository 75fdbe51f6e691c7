"""The people of the demo, each with a role of their own."""

from dataclasses import dataclass
from typing import Final

from shared.contract.authority import Role


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    role: Role


MONITOR: Final = Person("monitor", Role.SOURCE)
RASHID: Final = Person("rashid", Role.RESPONDER)
LEA: Final = Person("lea", Role.LEAD)
LUCIA: Final = Person("lucia", Role.LEAD)
NORA: Final = Person("nora", Role.LEGAL)
COLIN: Final = Person("colin", Role.COMMUNICATIONS)
CARLA: Final = Person("carla", Role.COMMUNICATIONS)
IVAN: Final = Person("ivan", Role.IT)
RUTH: Final = Person("ruth", Role.REVIEWER)

PEOPLE: Final = (MONITOR, RASHID, LEA, LUCIA, NORA, COLIN, CARLA, IVAN, RUTH)
