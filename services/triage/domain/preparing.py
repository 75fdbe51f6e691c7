"""The decisions before an assessment: facts, and the seats to fill."""

from collections.abc import Sequence
from uuid import UUID

from services.triage.domain.commands import FillSeat, RecordFact
from services.triage.domain.gates import who_fills, who_takes
from services.triage.domain.state import Open
from shared.contract.authority import who_may
from shared.contract.catalogue.triage import FactRecorded, SeatFilled
from shared.contract.decision import Actor, Context, Rejected


def record_fact(command: RecordFact, incident: Open, context: Context) -> FactRecorded:
    if command.observed_at > context.now:
        raise Rejected(
            "observed_in_the_future",
            "A fact cannot be observed later than now.",
            missing=("observed_at",),
        )
    if command.corrects is not None:
        _check_correction(command.corrects, command.key, incident)
    return FactRecorded(
        fact_id=command.fact_id,
        key=command.key,
        label=command.label,
        known=command.known,
        value=command.value,
        confidence=command.confidence,
        source=command.source,
        observed_at=command.observed_at,
        corrects=command.corrects,
    )


def _check_correction(corrects: UUID, key: str, incident: Open) -> None:
    wrong = incident.facts.get(corrects)
    if wrong is None:
        raise Rejected(
            "correction_names_a_fact",
            f"No fact {corrects} was recorded here.",
            missing=("corrects",),
        )
    if wrong.corrected:
        raise Rejected(
            "corrected_already",
            "That fact was corrected already; correct the later one.",
            missing=("corrects",),
        )
    if wrong.key != key:
        raise Rejected(
            "correction_keeps_the_key",
            f"That fact is about {wrong.key}, not {key}.",
            missing=(wrong.key,),
        )


def fill_seat(command: FillSeat, incident: Open, actor: Actor) -> Sequence[SeatFilled]:
    takers = who_takes(command.seat)
    takes_own = actor.has(*takers) and command.holder == actor.subject
    if not (takes_own or actor.has(*who_may("fill_any_seat"))):
        raise Rejected(
            "seat_of_ones_own",
            f"The {command.seat} seat is filled by {' or '.join(who_may('fill_any_seat'))}, "
            f"or taken in person by {' or '.join(takers)}.",
            who=who_fills((command.seat,)),
        )
    if incident.seats.get(command.seat) == command.holder:
        return []
    return [SeatFilled(seat=command.seat, holder=command.holder)]
