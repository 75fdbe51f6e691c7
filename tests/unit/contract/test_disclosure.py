"""What people wrote, taken out of event data and put back: whatever is disclosed, nothing shows
that was not said, and the event's bytes never hold a text."""

import base64
import contextlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.catalogue import BY_TYPE, EVENTS
from shared.contract.catalogue.base import WITHHELD, EventData, Exposure, Part
from shared.contract.catalogue.intake import ForeignEvent, ReportChannel, Reported
from shared.contract.catalogue.notify import CommunicationDrafted
from shared.contract.catalogue.review import ActionItem, FindingRecorded
from shared.contract.catalogue.triage import FactRecorded
from shared.contract.disclosure import (
    MAX_DISCLOSURE,
    Disclosure,
    MalformedDisclosure,
    by_digest,
    conceal,
    digest_of,
    digests,
    fields_of,
    fill,
    only_digest,
    read_disclosure,
    reveal,
    same_but_for_texts,
    stored,
    withhold,
)
from shared.contract.envelope import Link, Said, Unknown, read, write
from shared.contract.hashing import ZERO_HASH
from shared.contract.vocabulary import (
    Answer,
    Audience,
    Confidence,
    ControlLayer,
    FactKey,
    ServiceName,
)
from tests.unit.concealing import salts
from tests.unit.contract.record import examples as one_of_each

SECRET = "Xq7"
"""Begins each text here, so that it can be looked for."""
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60).map(
    lambda text: SECRET + text
)
ids = st.uuids()
exposures = st.builds(Exposure, platform_name=st.none() | words, url=st.none() | words)
foreign = st.builds(ForeignEvent, source=words, id=words, type=words)
datas: st.SearchStrategy[EventData] = st.one_of(
    st.builds(
        Reported,
        opens=st.booleans(),
        channel=st.sampled_from(ReportChannel),
        reporter=st.none() | ids,
        description=st.none() | words,
        exposure=exposures,
        foreign=st.none() | foreign,
    ),
    st.builds(
        FactRecorded,
        fact_id=ids,
        key=st.sampled_from(FactKey),
        label=st.none() | words,
        known=st.booleans(),
        value=words,
        confidence=st.sampled_from(Confidence),
        source=words,
        observed_at=st.just(datetime(2026, 3, 2, tzinfo=UTC)),
    ),
    st.builds(
        CommunicationDrafted,
        communication_id=ids,
        audience=st.sampled_from(Audience),
        channel=st.just("mail"),
        title=words,
        text=words,
        facts=st.lists(ids, max_size=2).map(tuple),
    ),
    st.builds(
        FindingRecorded,
        finding_id=ids,
        contributing_factor=words,
        control_layer=st.sampled_from(ControlLayer),
        training_adequate=st.sampled_from(Answer),
        policy_understood=st.sampled_from(Answer),
        action_items=st.lists(
            st.builds(
                ActionItem,
                description=words,
                owner=st.just("pabc"),
                due=st.just(datetime(2026, 6, 1, tzinfo=UTC).date()),
            ),
            max_size=3,
        ).map(tuple),
        no_action_reason=st.none() | words,
    ),
)


def texts_in(value: Any) -> list[str]:
    """Every text in the data that is at hand, marks and all."""
    if isinstance(value, Part):
        own = [
            getattr(value, name)
            for name in fields_of(type(value)).confidential
            if isinstance(getattr(value, name), str | ForeignEvent)
        ]
        inner = [getattr(value, name) for name in fields_of(type(value)).parts]
        return [str(one) for one in own] + [found for one in inner for found in texts_in(one)]
    return [found for one in value for found in texts_in(one)] if isinstance(value, tuple) else []


def envelope_of(data: EventData, disclosures: Sequence[Disclosure] = ()) -> bytes:
    said = Said(
        UUID(int=1),
        UUID(int=2),
        datetime(2026, 3, 2, tzinfo=UTC),
        "pabc",
        data,
        "c",
        disclosures=tuple(disclosures),
    )
    service = data.SAID_BY or ServiceName.INTAKE
    return write(said, Link(service, 0, 1, ZERO_HASH, ZERO_HASH), "530d903a")


def without_digests(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: without_digests(one) for name, one in data.items() if name != "sd"}
    return [without_digests(one) for one in data] if isinstance(data, list) else data


def dumped(data: Part) -> Any:
    return without_digests(data.model_dump(mode="json", by_alias=False))


@given(datas)
def test_all_disclosures_give_back_what_was_said(data: EventData) -> None:
    bare, told = conceal(data, salts())
    assert dumped(reveal(bare, by_digest(told))) == dumped(data)
    assert sorted(one.digest for one in told) == sorted(digests(bare))
    assert len(told) == len(texts_in(data))


@given(datas)
def test_no_text_is_among_the_bytes_of_the_event(data: EventData) -> None:
    bare, told = conceal(data, salts())
    envelope = envelope_of(bare, told)
    assert SECRET.encode() not in envelope
    assert SECRET.encode() not in base64.b64decode(base64.b64encode(envelope))
    event = read(envelope)
    assert event.data == bare, "and a reader has the same data as the speaker"
    assert texts_in(event.data) == []


@given(datas, st.data())
def test_any_subset_shows_exactly_itself(data: EventData, draw: st.DataObject) -> None:
    bare, told = conceal(data, salts())
    shown = draw.draw(st.sets(st.sampled_from(told))) if told else set()
    seen = texts_in(reveal(bare, by_digest(shown)))
    assert sorted(seen) == sorted(str(_read(one)) for one in shown)
    assert same_but_for_texts(reveal(bare, by_digest(shown)), data)


def _read(one: Disclosure) -> Any:
    _, value = one.named()
    return value if isinstance(value, str) else ForeignEvent.model_validate(value)


@given(datas, datas)
def test_disclosures_of_another_event_show_nothing(data: EventData, other: EventData) -> None:
    bare, _ = conceal(data, salts("one"))
    _, foreign_texts = conceal(other, salts("other"))
    assert texts_in(reveal(bare, by_digest(foreign_texts))) == []


@given(datas, st.data())
def test_a_forged_text_never_shows(data: EventData, draw: st.DataObject) -> None:
    """With the salt known, and with any text in place of the true one: its digest is another."""
    bare, told = conceal(data, salts())
    if not told:
        return
    true = draw.draw(st.sampled_from(told))
    salt, name, value = json.loads(base64.urlsafe_b64decode(true.text + "=="))
    lie = json.dumps([salt, name, f"{value} not"]).encode()
    forged = read_disclosure(base64.urlsafe_b64encode(lie).rstrip(b"=").decode())
    assert texts_in(reveal(bare, by_digest([forged]))) == []
    assert forged.digest not in set(digests(bare))


@given(datas)
def test_salts_make_the_same_words_two_digests(data: EventData) -> None:
    (one, of_one), (other, of_other) = conceal(data, salts("a")), conceal(data, salts("b"))
    assert set(digests(one)).isdisjoint(digests(other))
    assert same_but_for_texts(one, other)
    assert len(of_one) == len(of_other)


@given(datas)
def test_what_is_withheld_is_filled_with_what_stands_for_it(data: EventData) -> None:
    bare, told = conceal(data, salts())
    marked = fill(bare, lambda part, name: f"[{name}: {len(part.sd)}]")
    marks = [text for text in texts_in(marked) if text.startswith("[")]
    assert len(marks) >= len([one for one in told if isinstance(one.named()[1], str)])
    assert texts_in(fill(reveal(bare, by_digest(told)), lambda *_: "mark")) == texts_in(data)


@given(datas)
def test_views_keep_data_without_their_texts_and_read_them_again(data: EventData) -> None:
    bare, _ = conceal(data, salts())
    kept = bare.model_dump_json()
    assert SECRET not in kept
    assert stored(type(data), kept) == bare


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_type_can_be_concealed_and_revealed(kind: type[EventData]) -> None:
    data = one_of_each()[kind][2]
    bare, told = conceal(data, salts())
    assert dumped(reveal(bare, by_digest(told))) == dumped(data)
    assert read(envelope_of(bare)).data == bare


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_a_confidential_field_in_the_clear_is_refused(kind: type[EventData]) -> None:
    bare, _ = conceal(one_of_each()[kind][2], salts())
    value = json.loads(envelope_of(bare))
    for name in fields_of(kind).confidential:
        for text in ("in the clear", None):
            opened = {**value, "data": {**value["data"], name: text}}
            event = read(json.dumps(opened).encode())
            assert event.data == Unknown(
                None, f"does not fit {kind.TYPE}: {name} stands in the clear"
            ), "and the reason holds no text"


def test_a_text_in_the_clear_in_a_nested_part_is_refused() -> None:
    value = {"opens": True, "channel": "api", "exposure": {"url": "https://photos.example"}}
    with pytest.raises(MalformedDisclosure, match=r"^url stands in the clear$"):
        withhold(Reported, value)


@pytest.mark.parametrize("sd", [["a" * 43] * 2, "a" * 43, {"a": 1}, 7, None])
def test_digests_that_are_no_list_of_different_ones_are_refused(sd: object) -> None:
    with pytest.raises(MalformedDisclosure, match="_sd is not a list of different digests"):
        withhold(Reported, {"opens": True, "channel": "api", "_sd": sd})


def test_a_digest_that_stands_in_two_parts_is_refused() -> None:
    twice = {"_sd": ["a" * 43]}
    with pytest.raises(MalformedDisclosure, match="_sd is not a list of different digests"):
        withhold(Reported, {"opens": True, "channel": "api", **twice, "exposure": twice})
    items = {"action_items": [twice, twice]}
    with pytest.raises(MalformedDisclosure, match="_sd is not a list of different digests"):
        withhold(FindingRecorded, {"_sd": ["b" * 43], **items})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not base64url of JSON"),
        ("äöü", "not base64url of JSON"),
        ("a b", "not base64url of JSON"),
        ("W10", r"not \[salt, name, value\]"),
        ("e30", r"not \[salt, name, value\]"),
        ("bm8", "not base64url of JSON"),
        ("A" * (MAX_DISCLOSURE + 1), "at most 131072"),
    ],
)
def test_what_is_no_disclosure_is_refused_without_its_words(text: str, why: str) -> None:
    with pytest.raises(MalformedDisclosure, match=why):
        read_disclosure(text)


@pytest.mark.parametrize(
    "value",
    [
        ["short", "name", "value"],
        [7, "name", "value"],
        ["s" * 22, "", "value"],
        ["s" * 22, 7, "value"],
        ["s" * 22, "name"],
        ["s" * 22, "name", "value", "more"],
    ],
)
def test_a_disclosure_has_a_salt_of_128_bits_a_name_and_a_value(value: list[Any]) -> None:
    text = base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    with pytest.raises(MalformedDisclosure) as refused:
        read_disclosure(text)
    assert "value" not in str(refused.value).replace("[salt, name, value]", "")


@given(st.text(max_size=60))
def test_any_text_is_a_disclosure_or_refused_and_nothing_else_happens(text: str) -> None:
    with contextlib.suppress(MalformedDisclosure):
        assert read_disclosure(text) == (digest_of(text), text)


@pytest.mark.parametrize("value", [7, None, "", "x" * 9000, ["list"], {"a": "b"}, "nul\0"])
def test_a_disclosed_value_that_does_not_fit_its_field_stays_withheld(value: Any) -> None:
    disclosure = disclosed("value", value)
    bare, _ = conceal(one_of_each()[FactRecorded][2], salts())
    lying = bare.model_copy(update={"sd": (disclosure.digest,)})
    assert reveal(lying, by_digest([disclosure])).value is WITHHELD  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["opens", "_sd", "sd", "new_field", "TYPE"])
def test_a_disclosure_cannot_change_what_stands_in_the_clear(name: str) -> None:
    disclosure = disclosed(name, "false")
    data = Reported(opens=True, channel=ReportChannel.API).model_copy(
        update={"sd": (disclosure.digest,)}
    )
    shown = reveal(data, by_digest([disclosure]))
    assert (shown.opens, shown.sd, shown.TYPE) == (True, data.sd, Reported.TYPE)
    assert texts_in(shown) == []


def disclosed(name: str, value: Any) -> Disclosure:
    text = json.dumps(["s" * 22, name, value]).encode()
    return read_disclosure(base64.urlsafe_b64encode(text).rstrip(b"=").decode())


def test_data_with_one_text_have_one_digest_or_none() -> None:
    bare, (told,) = conceal(BY_TYPE["incident.lesson_recorded.v1"](text="Look."), salts())
    assert only_digest(bare) == told.digest
    nothing, told_nothing = conceal(Reported(opens=True, channel=ReportChannel.API), salts())
    assert (only_digest(nothing), told_nothing) == (None, ())


def test_each_text_gets_a_salt_of_its_own() -> None:
    drawn = count()

    def salt() -> bytes:
        return next(drawn).to_bytes(16, "big")

    _, told = conceal(one_of_each()[CommunicationDrafted][2], salt)
    assert next(drawn) == len(told) == 2
