"""What a log has of an incident, and what the services say of it by their own word."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from shared.chain import statements
from shared.chain.statements import BadStatement, SubjectStatement
from shared.contract.envelope import Event
from shared.contract.hashing import ZERO_HASH
from shared.contract.vocabulary import ServiceName
from shared.tlog.errors import TlogError
from shared.tlog.note import parse_note

Notes = Mapping[ServiceName, bytes]
"""Each service's signed word on an incident, as it came."""

Words = Mapping[ServiceName, SubjectStatement]
"""What each service says that it has said of an incident."""


@dataclass(slots=True)
class Gathered:
    """What a log of one checkpoint has of an incident, each with its index; `rotations` are changes
    of key on its chains."""

    note: bytes
    size: int
    events: list[tuple[int, Event]] = field(default_factory=list)
    rotations: list[tuple[int, Event]] = field(default_factory=list)

    def up_to(self, heads: Words) -> "Gathered":
        """Without what the services said after they gave their word; they may go on while a dossier
        is made."""
        said = dict.fromkeys(heads, 0)
        events = []
        for index, event in self.events:
            said[event.service] += 1
            if said[event.service] <= heads[event.service].count:
                events.append((index, event))
        return Gathered(self.note, self.size, events, self.rotations)

    def lacks(self, heads: Words) -> list[str]:
        """What the services' own word says and the log has not sealed, or has otherwise."""
        missing = []
        for service, word in heads.items():
            own = [event for _, event in self.events if event.service == service][: word.count]
            why = statements.contradicts(word, len(own), own[-1].hash if own else ZERO_HASH)
            if why is not None:
                missing.append(why)
        return missing


def heads_of(notes: Notes, incident: UUID) -> Words:
    """Each service's word on the incident, unverified. Raises BadStatement."""
    heads: dict[ServiceName, SubjectStatement] = {}
    for service, note in notes.items():
        try:
            word = statements.parse(parse_note(note)[0])
        except TlogError as error:
            raise BadStatement(f"the word of {service} is no signed note: {error}") from error
        if not isinstance(word, SubjectStatement) or (word.service, word.subject_id) != (
            service,
            incident,
        ):
            raise BadStatement(f"that is not {service}'s word on incident {incident}")
        heads[service] = word
    return heads
