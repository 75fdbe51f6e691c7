"""A subject of another kind goes the whole way of an event, and no service shows or judges it as an
incident."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from deploy.ledger.check.known import known_of
from services.review.audit import reports
from shared.audit.dossier.archive import pack
from shared.audit.dossier.checking import DossierAudit, Pins, audit_dossier
from shared.audit.dossier.evidence import Evidence
from shared.audit.dossier.parts import compose
from shared.audit.subjects import Sealed, check_subject
from shared.contract import canonical
from shared.contract.catalogue import BY_TYPE, EVENTS, not_theirs_to_say, short_name
from shared.contract.catalogue.base import EventData, IncidentEvent
from shared.contract.catalogue.system import SystemRecord
from shared.contract.envelope import Event, Unknown, read
from shared.contract.topics import INCIDENT, RECORD, kind_of, partition_of, system_subject
from shared.contract.vocabulary import ServiceName
from shared.runtime.hear.reactions import Reactions
from shared.runtime.say.plan import Recorded
from shared.runtime.say.rules import of_each_kind
from shared.tlog.bundles import bundle_hashes
from shared.tlog.checkpoint import Checkpoint, sign_checkpoint
from shared.tlog.merkle import inclusion_proof, root_of
from shared.tlog.proof import Proof
from tests.services import SERVICES, by_name
from tests.unit.audit.test_dossier import ANCHORS
from tests.unit.audit.test_log import audit
from tests.unit.audit.world import (
    INTAKE,
    LOG,
    REVIEW,
    TRIAGE,
    Ledger,
    incident_number,
    publish_log,
    rules,
    whole_story,
)
from tests.unit.given import event
from tests.unit.kinds.policies import (
    ADOPTED,
    AMENDED,
    KIND,
    POLICY,
    REPORTED,
    RULES,
    PolicyAdopted,
    PolicyAmended,
)

STORY = incident_number(1)


@pytest.fixture(params=["known", "unknown"])
def registered(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[bool]:
    """To readers whose catalogue has the kind, and to those whose catalogue has not."""
    known: bool = request.param == "known"
    if known:
        for one in (PolicyAdopted, PolicyAmended):
            monkeypatch.setitem(BY_TYPE, one.TYPE, one)
    canonical._reader.cache_clear()
    yield known
    canonical._reader.cache_clear()


def told(ledger: Ledger) -> Ledger:
    """An incident, and into it a policy."""
    ledger.say(REVIEW, POLICY, ADOPTED, "ruth")
    whole_story(ledger, STORY)
    ledger.say(REVIEW, POLICY, AMENDED, "ruth")
    return ledger


@pytest.fixture
def ledger(registered: bool) -> Ledger:
    return told(Ledger())


class TestTheCatalogue:
    @pytest.mark.parametrize("data", EVENTS, ids=lambda data: data.TYPE)
    def test_names_the_kind_in_the_first_word_of_each_type(self, data: type[EventData]) -> None:
        assert kind_of(data.TYPE) == (RECORD if issubclass(data, SystemRecord) else INCIDENT)
        assert issubclass(data, IncidentEvent) == (kind_of(data.TYPE) == INCIDENT)

    @pytest.mark.parametrize("event_type", ["policy.adopted.v1", "incident.new.v9"])
    def test_says_nothing_against_what_is_new_to_it(self, event_type: str) -> None:
        assert not_theirs_to_say(event_type, TRIAGE, POLICY) is None

    @pytest.mark.parametrize("event_type", ["policy.adopted.v1", "incident.new.v9"])
    def test_keeps_the_records_own_subjects_for_the_record(self, event_type: str) -> None:
        assert not_theirs_to_say(event_type, TRIAGE, system_subject(1)) == (
            f"{event_type} is not said of the record itself"
        )

    def test_lets_the_record_be_said_of_nothing_else(self) -> None:
        assert not_theirs_to_say("ledger.new.v9", TRIAGE, POLICY) == (
            "ledger.new.v9 is said of the record itself and no other subject"
        )

    @pytest.mark.usefixtures("registered")
    def test_whose_it_is_to_say_is_asked_of_every_kind(self, registered: bool) -> None:
        why = not_theirs_to_say(PolicyAdopted.TYPE, TRIAGE, POLICY)
        assert (why == "policy.adopted.v1 is review's to say, not triage's") == registered

    def test_its_short_name_has_the_kind(self) -> None:
        assert short_name("policy.adopted.v1") == "policy.adopted"


class TestOnTheTopic:
    def test_it_is_read_back_whole(self, ledger: Ledger, registered: bool) -> None:
        adopted, amended = ledger.of(POLICY)
        assert adopted.link.partition == partition_of(POLICY)
        assert amended.link.subjectprev == adopted.hash
        assert isinstance(amended.data, Unknown) != registered
        assert read(amended.envelope) == amended

    def test_its_texts_stand_beside_it(self, ledger: Ledger) -> None:
        adopted, _ = ledger.of(POLICY)
        assert b"Zacharias" not in adopted.envelope
        assert [one.named()[0] for one in ledger.texts[adopted.id]] == ["text"]


class TestInTheServices:
    @pytest.mark.parametrize("service", SERVICES, ids=by_name)
    def test_it_makes_no_row_in_any_view(self, service: Any, ledger: Ledger) -> None:
        project = of_each_kind(service.kinds)
        for version, one in enumerate(ledger.of(POLICY), 1):
            assert list(project(Recorded(one, version))) == []
        first = ledger.of(STORY)[0]
        assert list(project(Recorded(first, 1))) != []

    @pytest.mark.parametrize("service", SERVICES, ids=by_name)
    def test_of_the_record_itself_there_is_no_row_either(self, service: Any) -> None:
        record = event(REPORTED)._replace(type="ledger.new.v9")
        assert list(of_each_kind(service.kinds)(Recorded(record, 1))) == []

    def test_a_service_that_has_rules_for_it_shows_it_by_these(self, ledger: Ledger) -> None:
        (review,) = (one for one in SERVICES if one.name is REVIEW)
        project = of_each_kind((*review.kinds, RULES))
        (write,) = project(Recorded(ledger.of(POLICY)[1], 2))
        assert write.args == (2,)

    def test_nobody_reacts_to_a_kind_without_rules(self) -> None:
        class Known:
            """A ledger of policies alone."""

            rules = RULES

            def of(self, kind: str) -> "Known | None":
                return self if kind == KIND else None

        reactions = Reactions(Known())
        heard = event(REPORTED)
        assert not reactions.is_due(heard)
        assert reactions.is_due(heard._replace(type="policy.reported.v1"))


class TestOnTheSealedLog:
    def test_it_is_clean_and_no_incident(self, ledger: Ledger, tmp_path: Path) -> None:
        publish_log(tmp_path, ledger)
        found = audit(tmp_path, every_signature=True)
        assert found.findings == []
        assert found.incidents == 1
        assert {name: found.types[name] for name in found.types if "policy" in name} == {
            "policy.adopted": 1,
            "policy.amended": 1,
        }

    def test_it_is_replayed_and_what_is_known_is_told_of_incidents(self, ledger: Ledger) -> None:
        sealed = [Sealed(at, one) for at, one in enumerate(ledger.events)]
        assert list(known_of(sealed)) == [STORY]

    def test_what_is_said_of_it_as_of_an_incident_is_found(self, ledger: Ledger) -> None:
        strange = ledger.say(INTAKE, POLICY, REPORTED, "monitor")
        (finding,) = findings(ledger.of(POLICY))
        assert (finding.code, finding.event_id) == ("kind_differs", strange.id)
        assert finding.detail == (
            "incident.reported.v1 is of the kind incident, the subject of the kind policy"
        )

    def test_what_is_said_of_an_incident_as_of_a_policy_is_found(self, ledger: Ledger) -> None:
        strange = ledger.say(REVIEW, STORY, AMENDED, "ruth")
        assert [(one.code, one.event_id) for one in findings(ledger.of(STORY))] == [
            ("kind_differs", strange.id)
        ]

    def test_no_rule_of_incidents_is_held_against_it(self, ledger: Ledger) -> None:
        assert findings(ledger.of(POLICY)) == []


def findings(events: Sequence[Event]) -> list[Any]:
    return list(check_subject([Sealed(at, one) for at, one in enumerate(events)], rules()))


class TestInADossier:
    def test_it_verifies_by_itself(self, ledger: Ledger) -> None:
        found = dossier(ledger, POLICY)
        assert found.findings == []
        assert (found.incident, found.events) == (POLICY, 2)

    def test_the_incident_beside_it_does_too(self, ledger: Ledger) -> None:
        assert dossier(ledger, STORY).findings == []


def dossier(ledger: Ledger, subject: UUID) -> DossierAudit:
    hashes = bundle_hashes(ledger.entries)
    note = sign_checkpoint(Checkpoint(LOG.name, len(hashes), root_of(hashes)), LOG)
    evidence = [
        Evidence(
            ledger.entries[at],
            ledger.signatures[at],
            Proof(at, tuple(inclusion_proof(at, hashes)), note),
        )
        for at, one in enumerate(ledger.events)
        if one.subject_id == subject
    ]
    heads = {service: ledger.subject_head(service, subject) for service in ServiceName}
    parts = compose(subject, note, ANCHORS, evidence, [], heads, reports)
    return audit_dossier("a dossier", pack(parts), Pins(), rules(), reports)
