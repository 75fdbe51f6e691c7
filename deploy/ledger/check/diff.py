"""`ledger diff`: what the log says of each incident, against what the services say of it today."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from uuid import UUID

import typer

from deploy.ledger.check import rules
from deploy.ledger.check.past import from_log
from deploy.ledger.check.services import Services
from deploy.ledger.options import DataOption, TokenOption, UntilOption, or_stop
from deploy.ledger.printing import say, show_json, show_table
from shared.audit.history import Until
from shared.audit.subjects import Sealed
from shared.contract.topics import INCIDENT, kind_of
from shared.contract.vocabulary import ServiceName


@dataclass(frozen=True, slots=True)
class Difference:
    """`kind`: `only_service` (it knows an event that the log, up to the moment, has not),
    `only_log` (the other way round), or `gate` (a gate stands otherwise than the log's events make
    it)."""

    incident: str
    service: str
    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a service shows of an incident: hash and name of each event, and its gates where it has
    any."""

    events: Mapping[str, str]
    gates: Sequence[Mapping[str, Any]]


def diff(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[SOURCE]",
            help="Folder or http(s) address of a log. Default: the running stack's.",
        ),
    ] = None,
    data: DataOption = None,
    until: UntilOption = None,
    incident: Annotated[UUID | None, typer.Option(help="Only this incident.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    token: TokenOption = None,
) -> None:
    """Show how the log, at a moment, and the services' views today differ: events and gates, by
    incident and service.

    Without --until a difference is an event under way, or a view that is wrong. Exit code: 0 none,
    1 some, 2 could not check."""
    with or_stop():
        moment = Until.parse(until) if until else Until()
        sealed = from_log(source, data, token, moment, incident)
        found = list(_differences(sealed, Services(data, "ledger-diff"), incident))
    if as_json:
        show_json([asdict(one) for one in found])
    else:
        _show(found)
    raise typer.Exit(1 if found else 0)


def _differences(
    sealed: Sequence[Sealed], services: Services, incident: UUID | None
) -> Iterator[Difference]:
    histories: dict[UUID, list[Sealed]] = {}
    for one in sealed:
        # Services show incidents and no other kind of subject.
        if kind_of(one.event.type) == INCIDENT:
            histories.setdefault(one.event.subject_id, []).append(one)
    for service in ServiceName:
        there = {incident} if incident else _incidents(services, service) | set(histories)
        for about in sorted(there):
            history = histories.get(about, [])
            yield from compare(str(about), service, history, _view(services, service, about))


def compare(
    incident: str, service: ServiceName, history: Sequence[Sealed], view: Shown
) -> Iterator[Difference]:
    """One incident as the log has it, and as a service shows it."""
    log = {one.event.hash.hex(): one.event.type for one in history}
    for hash_, name in view.events.items():
        if hash_ not in log:
            yield Difference(incident, service.value, "only_service", f"{name} {hash_[:16]}…")
    for hash_, name in log.items():
        if hash_ not in view.events:
            yield Difference(incident, service.value, "only_log", f"{name} {hash_[:16]}…")
    known = rules.audit_of(service).known([one.event for one in history], newest=True)
    ours, theirs = (_gates(gates) for gates in (known.get("gates", ()), view.gates))
    for gate in sorted(ours.keys() | theirs.keys()):
        if ours.get(gate) != theirs.get(gate):
            what = (
                f"{' of '.join(gate)}: {_word(ours.get(gate))} by the log, "
                f"{_word(theirs.get(gate))} by the service"
            )
            yield Difference(incident, service.value, "gate", what)


def _gates(gates: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], bool]:
    return {(gate["gate"], gate["subject"]): gate["open"] for gate in gates}


def _word(is_open: bool | None) -> str:
    return "not there" if is_open is None else "open" if is_open else "closed"


def _incidents(services: Services, service: ServiceName) -> set[UUID]:
    return {UUID(item["incident_id"]) for item in services.pages(service, "incidents")}


def _view(services: Services, service: ServiceName, incident: UUID) -> Shown:
    about = services.get_json(service, f"incidents/{incident}")
    if about is None:
        return Shown({}, ())
    items = services.pages(service, f"incidents/{incident}/events")
    return Shown({item["hash"]: item["type"] for item in items}, about.get("gates", ()))


def _show(found: Sequence[Difference]) -> None:
    if not found:
        say("The log and the services' views agree.")
        return
    rows = [(one.incident, one.service, one.kind, one.what) for one in found]
    show_table(("incident", "service", "difference", "what"), rows)
    say(len(found), " differences")
