"""What the services document and show: every example is one that its model takes, and what a row
holds is what a reader sees."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError

from services.intake import bodies as intake_bodies
from services.intake import queries as intake
from services.notify import bodies as notify_bodies
from services.notify import queries as notify
from services.review import bodies as review_bodies
from services.review import queries as review
from services.review.erasures import bodies as erasure_bodies
from services.review.erasures import queries as erasures
from services.triage import bodies as triage_bodies
from services.triage import queries as triage
from services.triage.views import STAGES
from shared.contract.catalogue.intake import ReportChannel
from shared.contract.catalogue.review import ErasureGround
from shared.contract.catalogue.triage import IncidentDismissed
from shared.contract.disclosure import conceal
from shared.contract.vocabulary import (
    Audience,
    Determination,
    DismissalReason,
    InformationType,
    Seat,
    Severity,
)
from tests.unit.answering import Answering
from tests.unit.concealing import salts
from tests.unit.given import INCIDENT, START
from tests.unit.runtime.callers import PEOPLE

MODULES: Final = (intake_bodies, triage_bodies, notify_bodies, review_bodies, erasure_bodies)
ID: Final = UUID(int=0xE1)
BEFORE: Final = (START, ID)


def models() -> Iterator[type[BaseModel]]:
    """Every model that a service's bodies declare."""
    for module in MODULES:
        for declared in vars(module).values():
            if (
                isinstance(declared, type)
                and issubclass(declared, BaseModel)
                and declared.__module__ == module.__name__
            ):
                yield declared


def examples_of(model: type[BaseModel]) -> list[Any]:
    extra = model.model_config.get("json_schema_extra") or {}
    assert isinstance(extra, dict)
    one = [extra["example"]] if "example" in extra else []
    return [*one, *extra.get("examples", ())]


EXAMPLES: Final = [
    pytest.param(model, shown, id=f"{model.__module__.split('.')[1]}.{model.__name__}")
    for model in models()
    for shown in examples_of(model)
]


@pytest.mark.usefixtures("within_a_request")
class TestAnExample:
    @pytest.mark.parametrize(("model", "shown"), EXAMPLES)
    def test_is_taken_by_its_model(self, model: type[BaseModel], shown: Any) -> None:
        model.model_validate_json(json.dumps(shown))

    @pytest.mark.parametrize(("model", "shown"), EXAMPLES)
    def test_names_no_field_that_there_is_not(self, model: type[BaseModel], shown: Any) -> None:
        assert set(shown) <= set(model.model_fields)

    @pytest.mark.parametrize(("model", "shown"), EXAMPLES)
    def test_comes_back_from_its_model_as_it_was_shown(
        self, model: type[BaseModel], shown: Any
    ) -> None:
        made = json.loads(model.model_validate_json(json.dumps(shown)).model_dump_json())
        assert within(shown, made)

    def test_stands_with_every_body_that_people_send(self) -> None:
        sent = [model for model in models() if model.__name__.endswith("Body")]
        parts = {"ReporterBody", "ExposureBody"}
        assert len(sent) > 15
        assert {model.__name__ for model in sent if not examples_of(model)} <= parts


def within(shown: Any, made: Any) -> bool:
    """Whether all that is shown is there; what is there beside it has a default."""
    match shown, made:
        case dict(), dict():
            return all(name in made and within(value, made[name]) for name, value in shown.items())
        case list(), list():
            return len(shown) == len(made) and all(map(within, shown, made))
        case "unknown", None:
            return True
    if isinstance(shown, str) and made == PEOPLE.pseudonym_of(shown):
        return True
    return shown == made or _as_moment(shown) == _as_moment(made)


def _as_moment(value: Any) -> datetime | object:
    """What is no moment is like nothing else, itself included."""
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return object()


def places(sql: str) -> int:
    """The highest place that a statement has for a value."""
    return max(number for number in range(1, 40) if f"${number}" in sql)


FILTERS: Final = [
    pytest.param(
        intake.reports,
        intake_bodies.ReportFilter(),
        (None,) * 7,
        id="reports, any",
    ),
    pytest.param(
        intake.reports,
        intake_bodies.ReportFilter(
            incident_id=INCIDENT,
            exercise=False,
            anonymous=True,
            channel=ReportChannel.BATCH,
            platform="mastodon",
            since=START,
            until=START + timedelta(days=1),
        ),
        (INCIDENT, False, True, "batch", "mastodon", START, START + timedelta(days=1)),
        id="reports, all",
    ),
    pytest.param(triage.incidents, triage_bodies.IncidentFilter(), (None,) * 9, id="triage, any"),
    *(
        pytest.param(
            triage.incidents,
            triage_bodies.IncidentFilter(stage=stage),
            (number, *(None,) * 8),
            id=f"triage, {stage}",
        )
        for number, stage in enumerate(STAGES)
    ),
    pytest.param(
        triage.incidents,
        triage_bodies.IncidentFilter(
            severity=Severity.HIGH,
            determination=Determination.CONFIRMED,
            exercise=False,
            platform="x",
            seat_holder="ivo",
            owes_a_word=False,
            since=START,
            until=START,
        ),
        (None, "high", "confirmed", False, "x", "ivo", False, START, START),
        id="triage, all but the stage",
    ),
    pytest.param(notify.incidents, notify_bodies.IncidentFilter(), (None,) * 6, id="notify, any"),
    pytest.param(
        notify.incidents,
        notify_bodies.IncidentFilter(
            exercise=True,
            determination=Determination.SUSPECTED,
            severity=Severity.LOW,
            owes_telling=False,
            since=START,
            until=START,
        ),
        (True, "suspected", "low", False, START, START),
        id="notify, all",
    ),
    pytest.param(
        notify.communications, notify_bodies.MessageFilter(), (None,) * 6, id="messages, any"
    ),
    pytest.param(
        notify.communications,
        notify_bodies.MessageFilter(
            incident_id=INCIDENT,
            status=notify_bodies.Status.OUTCOME_UNKNOWN,
            audience=Audience.PRESS,
            channel="press mail",
            drafted_by="cara",
            exercise=False,
        ),
        (INCIDENT, "outcome_unknown", "press", "press mail", "cara", False),
        id="messages, all",
    ),
    pytest.param(review.reviews, review_bodies.ReviewFilter(), (None,) * 3, id="reviews, any"),
    pytest.param(
        review.reviews,
        review_bodies.ReviewFilter(
            status=review_bodies.Status.OPEN, exercise=False, severity=Severity.INFO
        ),
        ("open", False, "info"),
        id="reviews, all",
    ),
    pytest.param(
        erasures.erasures, erasure_bodies.ErasureFilter(), (None,) * 3, id="erasures, any"
    ),
    pytest.param(
        erasures.erasures,
        erasure_bodies.ErasureFilter(
            status=erasure_bodies.ErasureStatus.REQUESTED,
            ground=ErasureGround.OBJECTION,
            incident_id=INCIDENT,
        ),
        ("requested", "objection", INCIDENT),
        id="erasures, all",
    ),
    pytest.param(erasures.holds, INCIDENT, (INCIDENT,), id="holds"),
]


class TestAFilter:
    @pytest.mark.parametrize(("query", "wanted", "args"), FILTERS)
    async def test_of_a_first_page_has_no_cursor(
        self, query: Any, wanted: Any, args: tuple[Any, ...]
    ) -> None:
        asked = Answering()
        assert await query(asked, wanted, 7) == []
        assert asked.args == (*args, None, None, 7)
        assert places(asked.sql) == len(asked.args)

    @pytest.mark.parametrize(("query", "wanted", "args"), FILTERS)
    async def test_of_a_later_page_goes_on_where_the_one_before_ended(
        self, query: Any, wanted: Any, args: tuple[Any, ...]
    ) -> None:
        asked = Answering()
        await query(asked, wanted, 1, BEFORE)
        assert asked.args == (*args, START, ID, 1)

    async def test_of_action_items_has_a_cursor_of_three_parts(self) -> None:
        asked, due = Answering(), date(2026, 6, 1)
        wanted = review_bodies.ActionItemFilter(
            owner="tom", due_before=due, status=review_bodies.Status.PUBLISHED
        )
        await review.action_items(asked, wanted, 5)
        assert asked.args == ("tom", due, None, "published", None, None, None, None, 5)
        await review.action_items(asked, wanted, 5, (due, ID, 2))
        assert asked.args[5:] == (due, ID, 2, 5)
        assert places(asked.sql) == len(asked.args)

    @pytest.mark.parametrize("exercise", [None, True, False])
    async def test_of_lessons_asks_for_drills_or_not(self, exercise: bool | None) -> None:
        asked = Answering()
        await review.lessons(asked, exercise, 3)
        assert asked.args == (exercise, None, None, 3)
        assert "status = 'published'" in asked.sql


INCIDENT_ROW: Final[dict[str, Any]] = {
    "incident_id": INCIDENT,
    "exercise": False,
    "stage": 0,
    "opened_at": START,
    "platform": "unknown",
    "determination": None,
    "severity": None,
    "reports": 1,
    "owed": 0,
    "assessment": None,
    "inaction": None,
    "dismissal": None,
}
ASSESSMENT: Final[dict[str, Any]] = {
    "revision": 2,
    "determination": "confirmed",
    "information_types": ["pii"],
    "exposure": {"platform": "reddit"},
    "severity": "high",
    "severity_rule": "a_row",
}
DISMISSAL, WHY = conceal(
    IncidentDismissed(reason=DismissalReason.DUPLICATE, note="of another"), salts()
)
_MESSAGE: Final[dict[str, Any]] = notify_bodies.CommunicationRow.model_config["json_schema_extra"][
    "example"
]
MESSAGE_ROW: Final[dict[str, Any]] = {
    **{name: value for name, value in _MESSAGE.items() if name not in ("title", "text")},
    "texts": ["A" * 43, "B" * 43],
    "approvals": json.dumps([{"approval": "peer", "by": "lea", "at": "2026-03-02T09:05:00Z"}]),
}
REPORT_ROW: Final[dict[str, Any]] = {
    "report_id": ID,
    "incident_id": INCIDENT,
    "version": 3,
    "said_at": START,
    "actor": "monitor",
    "anonymous": False,
    "partition": 5,
    "sequence": 42,
    "hash": bytes(range(32)),
    "data": json.dumps({"opens": True, "channel": "api", "information_types": ["secrets"]}),
}


class TestARow:
    @pytest.mark.parametrize(("number", "stage"), list(enumerate(STAGES)))
    async def test_of_an_incident_tells_its_stage_by_its_word(
        self, number: int, stage: str
    ) -> None:
        found = await triage.incident(Answering({**INCIDENT_ROW, "stage": number}), INCIDENT)
        assert found is not None
        assert (found.stage, found.assessment, found.dismissal) == (stage, None, None)

    async def test_of_an_incident_is_read_with_what_is_kept_in_it(self) -> None:
        row = {
            **INCIDENT_ROW,
            "assessment": json.dumps(ASSESSMENT),
            "dismissal": DISMISSAL.model_dump_json(),
            "owed": 2,
        }
        found = await triage.incident(Answering(row, texts=WHY), INCIDENT)
        assert found is not None
        assert found.assessment is not None
        assert found.assessment.information_types == (InformationType.PII,)
        assert found.dismissal is not None
        assert (found.dismissal.note, found.break_glass_owed) == ("of another", 2)

    async def test_of_a_stage_that_there_is_not_is_never_shown_as_another(self) -> None:
        with pytest.raises(IndexError):
            await triage.incident(Answering({**INCIDENT_ROW, "stage": len(STAGES)}), INCIDENT)

    async def test_of_a_seat_names_its_holder(self) -> None:
        rows = ({"seat": "it", "holder": "ivo"}, {"seat": "legal", "holder": "liv"})
        assert await triage.seats(Answering(*rows), INCIDENT) == {
            Seat.IT: "ivo",
            Seat.LEGAL: "liv",
        }

    async def test_of_a_report_has_its_place_on_intakes_chain(self) -> None:
        found = await intake.report(Answering(REPORT_ROW), ID)
        assert found is not None
        assert (found.chain.service, found.chain.partition, found.chain.sequence) == (
            "intake",
            5,
            42,
        )
        assert found.hash == bytes(range(32)).hex()
        assert found.data.information_types == (InformationType.SECRETS,)

    @pytest.mark.parametrize(
        ("number", "stage"),
        list(
            enumerate(("received", "assessed", "contained", "communicated", "reviewed", "closed"))
        ),
    )
    async def test_of_a_status_tells_the_public_nothing_but_the_stage(
        self, number: int, stage: str
    ) -> None:
        found = await intake.public_status(Answering({"stage": number, "exercise": True}), ID)
        assert found is not None
        assert found.model_dump() == {"report_id": ID, "stage": stage, "exercise": True}

    async def test_of_a_message_has_its_approvals(self) -> None:
        wanted = notify_bodies.MessageFilter()
        (found,) = await notify.communications(Answering(MESSAGE_ROW), wanted, 1)
        (approval,) = found.approvals
        assert (approval.approval, approval.by) == ("peer", "lea")
        assert approval.at == datetime(2026, 3, 2, 9, 5, tzinfo=UTC)

    @pytest.mark.parametrize(
        "kept", ["", "{}", '[{"by": "lea"}]', '[{"approval": "nobody", "by": "x", "at": "y"}]']
    )
    async def test_with_approvals_that_cannot_be_read_is_never_shown_without_them(
        self, kept: str
    ) -> None:
        rows = Answering({**MESSAGE_ROW, "approvals": kept})
        with pytest.raises(ValidationError):
            await notify.communications(rows, notify_bodies.MessageFilter(), 1)

    @pytest.mark.parametrize(
        "query",
        [
            intake.report,
            intake.public_status,
            intake.opener,
            intake.incident,
            intake.reporter,
            triage.incident,
            notify.incident,
            review.review,
        ],
        ids=lambda query: f"{query.__module__.split('.')[1]}.{query.__name__}",
    )
    async def test_that_is_not_there_is_nothing(self, query: Any) -> None:
        asked = Answering()
        assert await query(asked, ID) is None
        assert asked.args == (ID,)
