"""Completeness by program: a walk over the catalogue asks that each type of event has its arm in
every fold and every projection, or stands here as no concern of that reader; that it is put in
words, and records a command; and that each command is offered, or is its service's own.

A forgotten arm is silent otherwise. In the audit it is worse: `ledger verify` would accuse an
honest service of having said what no command of it makes."""

import ast
import importlib
import inspect
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from services.intake import audit as intake_audit
from services.notify import audit as notify_audit
from services.review import audit as review_audit
from services.review.erasures.audit import ERASES_ANOTHER_KIND, ERASES_THE_UNKNOWN
from services.triage import audit as triage_audit
from shared.contract.authority import command_name, who_may
from shared.contract.catalogue import EVENTS, intake, notify, review, system, triage
from shared.contract.catalogue.base import EventData, IncidentEvent
from shared.contract.vocabulary import ServiceName
from tests.unit.walk import COMMANDS, DOMAINS, OF_PEOPLE, OF_SERVICES, Step, walks

ROOT: Final = Path(__file__).parents[2]

OF_INCIDENTS: Final = tuple(one for one in EVENTS if not issubclass(one, system.SystemRecord))
"""What is said of the record itself folds into no incident: the runtime and the sealer read it."""

DIGEST_RULES: Final = frozenset(
    {
        review_audit.REPORT_DIFFERS,
        review_audit.REPORT_FORMAT_UNKNOWN,
        ERASES_THE_UNKNOWN,
        ERASES_ANOTHER_KIND,
    }
)
"""Of the report's own bytes and of texts: in a walk their digests are made up."""


CONCERNS: Final[Mapping[type[EventData], tuple[str, str]]] = {
    intake.Reported: ("intake triage", "intake triage notify review"),
    triage.FactRecorded: ("triage notify", "triage"),
    triage.SeatFilled: ("triage", "triage"),
    triage.Assessed: ("triage notify review", "intake triage notify review"),
    triage.ActionProposed: ("triage", "triage"),
    triage.LegalViewGiven: ("triage", "triage"),
    triage.ActionAuthorised: ("triage", "triage"),
    triage.BreakGlassUsed: ("triage review", "triage"),
    triage.BreakGlassConfirmed: ("triage review", "triage"),
    triage.Contained: ("triage review", "intake triage"),
    triage.InactionDecided: ("review", "triage"),
    triage.IncidentDismissed: ("intake triage review", "intake triage review"),
    notify.CommunicationRequired: ("notify review", "notify"),
    notify.CommunicationDrafted: ("notify", "notify"),
    notify.CommunicationApproved: ("notify", "notify"),
    notify.CommunicationRejected: ("notify", "notify"),
    notify.CommunicationRequested: ("notify", "notify"),
    notify.SendStarted: ("notify", "notify"),
    notify.SendFailed: ("notify", "notify"),
    notify.SendOutcomeUnknown: ("notify", "notify"),
    notify.SendOutcomeDecided: ("notify", "notify"),
    notify.Communicated: ("notify review", "intake triage notify"),
    notify.CommunicationWaived: ("notify review", "notify"),
    review.ReviewOpened: ("review", "review"),
    review.FindingRecorded: ("review", "review"),
    review.ObservationRecorded: ("", ""),
    review.LessonRecorded: ("review", "review"),
    review.PolicyClauseCited: ("", ""),
    review.NextReviewSet: ("review", "review"),
    review.ErasureRequested: ("review", "review"),
    review.ErasureRefused: ("review", "review"),
    review.ContentErased: ("review", "intake review"),
    review.HoldPlaced: ("review", "review"),
    review.HoldReleased: ("review", "review"),
    review.RetentionWarned: ("review", ""),
    review.Reviewed: ("review", "intake triage review"),
}
"""Who remembers an event, because a rule asks about it; who shows it in a view. A service that is
not named in a row is not concerned."""


BY_TWO: Final = {review.ContentErased: 2}
"""Events that more than one command records, and how many: texts are erased by two persons, or
because retention ended."""


def arms(module: ModuleType) -> set[type[EventData]]:
    """The types of events that a module names in a pattern or asks for with isinstance."""
    tree = ast.parse(inspect.getsource(module))
    return {one for node in ast.walk(tree) for one in named(node, module) if one in EVENTS}


def named(node: ast.AST, module: ModuleType) -> Iterator[Any]:
    match node:
        case ast.MatchClass(cls=cls):
            yield value_of(cls, module)
        case ast.Call(func=ast.Name(id="isinstance"), args=[_, asked]):
            for one in ast.walk(asked):
                if isinstance(one, ast.Name | ast.Attribute):
                    yield value_of(one, module)


def value_of(node: ast.expr, module: ModuleType) -> Any:
    match node:
        case ast.Name(id=name):
            return getattr(module, name, None)
        case ast.Attribute(value=inner, attr=name):
            return getattr(value_of(inner, module), name, None)
    return None


def readers(room: str) -> dict[ServiceName, set[type[EventData]]]:
    modules = {one: importlib.import_module(f"services.{one}.{room}") for one in ServiceName}
    return {service: arms(module) for service, module in modules.items()}


def test_every_event_of_an_incident_says_whom_it_concerns() -> None:
    assert list(CONCERNS) == list(OF_INCIDENTS)


@pytest.mark.parametrize(("room", "column"), [("domain.state", 0), ("views", 1)])
def test_those_concerned_have_an_arm_and_nobody_else_has(room: str, column: int) -> None:
    for service, handled in readers(room).items():
        concerned = {event for event, row in CONCERNS.items() if service in row[column].split()}
        assert handled - concerned == set(), f"{service}'s {room} has an arm that its row denies"
        assert concerned - handled == set(), f"{service}'s {room} has forgotten an arm"


@pytest.mark.parametrize("event", OF_INCIDENTS, ids=lambda event: event.__name__)
def test_every_event_of_an_incident_is_put_in_words_of_its_own(event: type[EventData]) -> None:
    """For the report's timeline and a replay."""
    assert issubclass(event, IncidentEvent)
    assert "in_words" in vars(event)


def test_an_arm_is_found_in_a_pattern_and_in_a_question() -> None:
    state = importlib.import_module("services.triage.domain.state")
    assert triage.Contained in arms(state), "case triage.Contained():"
    assert notify.CommunicationDrafted in arms(notify_audit), "isinstance(data, …)"
    assert arms(importlib.import_module("services.triage.domain.tables")) == set()


def test_every_event_of_an_incident_records_one_command() -> None:
    """From which an audit makes the command again."""
    recorded = Counter(kind.EVENT for kind in COMMANDS)
    assert set(recorded) == set(OF_INCIDENTS)
    assert {event: number for event, number in recorded.items() if number > 1} == BY_TWO


@pytest.mark.parametrize("service", ServiceName)
def test_a_service_says_the_events_of_its_own_commands(service: ServiceName) -> None:
    for kind in (kind for kind, owner in COMMANDS.items() if owner is service):
        assert kind.EVENT.SAID_BY is service


def test_every_event_of_an_incident_is_made_by_a_command() -> None:
    said = {type(event.data) for walk in walks() for event in walk.events}
    assert set(OF_INCIDENTS) - said == set(), "the walks make every event that there is"


AUDITS: Final = {
    ServiceName.INTAKE: intake_audit,
    ServiceName.TRIAGE: triage_audit,
    ServiceName.NOTIFY: notify_audit,
    ServiceName.REVIEW: review_audit,
}


@pytest.mark.parametrize("service", ServiceName)
def test_the_audit_of_a_service_finds_nothing_against_what_its_commands_made(
    service: ServiceName,
) -> None:
    """`commands_for` gives back, for each event, a command that makes that very event again."""
    for walk in walks():
        accused = [
            (type(one.event.data).__name__, one.rule, one.detail)
            for one in AUDITS[service].audit(walk.events)
            if one.rule not in DIGEST_RULES
        ]
        assert accused == []


@pytest.mark.parametrize("event", OF_INCIDENTS, ids=lambda event: event.__name__)
def test_an_event_that_no_command_made_is_found_by_the_audit(event: type[EventData]) -> None:
    """The same event said of an incident that nobody reported: an arm that were missing, or that
    let everything pass, would be found here."""
    said = next(one for walk in walks() for one in walk.events if type(one.data) is event)
    if getattr(said.data, "opens", False):
        said = said._replace(data=said.data.model_copy(update={"opens": False}))
    assert list(AUDITS[said.service].audit([said])) != []


@cache
def offered() -> list[tuple[Step, tuple[str, ...]]]:
    """Commands that people gave with success, and all that they were offered just before; of all
    such steps every third."""
    steps = (step for walk in walks() for step in walk.steps)
    taken = [step for step in steps if step.said and may(step)]
    return [(step, DOMAINS[step.service].next_commands(step.state, step.by)) for step in taken[::3]]


def may(step: Step) -> bool:
    """Intake's routes ask for the role, not its `decide`: nobody is offered what a route denies."""
    kind = type(step.command)
    return kind in OF_PEOPLE and step.by.has(*who_may(kind))


def test_every_command_of_people_is_offered_and_no_other() -> None:
    names = {name for _, offers in offered() for name in offers}
    assert names == {command_name(kind) for kind in OF_PEOPLE}


def routed(service: ServiceName) -> set[str]:
    """What the service's routes ask `who_may` of."""
    calls = (
        node
        for path in (ROOT / "services" / service / "api").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    )
    asked = [call.args[0] for call in calls if ast.unparse(call.func) == "who_may"]
    return {ast.literal_eval(one) if isinstance(one, ast.Constant) else one.id for one in asked}


@pytest.mark.parametrize("kind", OF_PEOPLE, ids=lambda kind: kind.__name__)
def test_every_command_of_people_has_a_route(kind: type) -> None:
    assert {kind.__name__, command_name(kind)} & routed(COMMANDS[kind])


def test_what_a_person_could_do_was_offered_to_that_person() -> None:
    """With whatever values the command came. Not so a report that opens an incident, for there is
    nothing yet to list it on."""
    for step, offers in offered():
        if not getattr(step.command, "opens", False):
            assert command_name(type(step.command)) in offers, step


@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.__name__)
def test_every_command_is_accepted_and_is_refused(kind: type) -> None:
    steps = [step for walk in walks() for step in walk.steps if type(step.command) is kind]
    assert any(step.said for step in steps)
    assert kind in OF_SERVICES or any(step.refusal for step in steps)


def test_the_list_of_files_for_an_event_and_its_command_is_short_and_true() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text().partition("**An event, with its command**")[2]
    files = re.findall(r"^[0-9]\. `([^`]+)`", text.partition("**A gate**")[0], re.MULTILINE)
    assert 5 <= len(files) <= 7
    for path in (path.replace("/S", f"/{service}") for path in files for service in ServiceName):
        assert (ROOT / path).is_file(), path
