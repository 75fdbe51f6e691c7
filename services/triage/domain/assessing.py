"""The decisions before action: facts, seats and the assessment."""

from collections.abc import Sequence
from uuid import UUID

from services.triage.domain.commands import (
    Assess,
    FillSeat,
    RecordFact,
)
from services.triage.domain.gates import empty_seats, who_fills, who_takes
from services.triage.domain.severity import severity_of
from services.triage.domain.state import Open
from services.triage.domain.tables import OVERRIDDEN, REQUIRED_FACTS
from shared.contract.authority import who_may
from shared.contract.catalogue.triage import (
    Assessed,
    FactRecorded,
    LegalViewOn,
    SeatFilled,
)
from shared.contract.decision import Actor, Context, Rejected
from shared.contract.vocabulary import ActionClass, Determination


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
        known=command.value.strip().casefold() not in ("", "unknown"),
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


def assess(command: Assess, incident: Open) -> Assessed:
    """States the facts that are known, and those that a corrective action would still wait for."""
    if command.determination is Determination.CONFIRMED and (empty := empty_seats(incident)):
        raise Rejected(
            "seats",
            "An incident is confirmed once its seats are filled.",
            missing=empty,
            who=who_fills(empty),
        )
    row = severity_of(command.determination, command.information_types, command.exposure)
    if command.severity_override is not None and not command.severity_override_reason:
        raise Rejected(
            "override_says_why",
            f"The severity table gives {row.severity} ({row.name}); "
            "another severity needs a reason.",
            missing=("severity_override_reason",),
        )
    return Assessed(
        revision=incident.assessment.revision + 1 if incident.assessment else 1,
        determination=command.determination,
        information_types=command.information_types,
        exposure=command.exposure,
        severity=command.severity_override or row.severity,
        severity_rule=OVERRIDDEN if command.severity_override else row.name,
        severity_override_reason=command.severity_override_reason
        if command.severity_override
        else None,
        facts_known=incident.known_keys,
        facts_missing=tuple(
            key for key in REQUIRED_FACTS[ActionClass.CORRECTIVE] if key not in incident.known_keys
        ),
        legal_views=tuple(
            LegalViewOn(action_id=action_id, view=action.legal.view)
            for action_id, action in incident.actions.items()
            if action.legal
        ),
    )
