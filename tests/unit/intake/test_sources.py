"""What a caller may report: by its registrations, and by nothing that others have."""

import asyncio
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.tables import ANONYMOUS
from services.intake.sources import (
    Caller,
    NotRegistered,
    Opener,
    Registration,
    Registry,
    Rights,
    registration,
)
from shared.contract.authority import Role, who_may
from shared.contract.decision import Actor

DLP = "//dlp.example/scanner"
OTHERS = "//other.example/monitor"
STAFF = Actor("nora", frozenset({Role.LEGAL}))
SYSTEM = Actor("dlp", frozenset({Role.SOURCE}))

booleans = st.booleans()
sources = st.sampled_from([DLP, OTHERS, "//dlp.example/*", "*", "//dlp.example/scanner/2"])
registrations = st.lists(
    st.builds(Registration, st.just("dlp"), sources, booleans, booleans, booleans), max_size=4
).map(tuple)


class TestARegistration:
    @pytest.mark.parametrize(
        ("source", "covered"),
        [
            (DLP, {DLP}),
            ("//dlp.example/*", {DLP, "//dlp.example/"}),
            ("*", {DLP, OTHERS, "//dlp.example/"}),
            (DLP.upper(), set()),
            (DLP[:-1], set()),
        ],
    )
    def test_covers_its_source_or_all_that_begin_so(self, source: str, covered: set[str]) -> None:
        one = Registration("dlp", source)
        assert {given for given in (DLP, OTHERS, "//dlp.example/") if one.covers(given)} == covered

    @pytest.mark.parametrize(
        ("subject", "source", "names"),
        [
            ("", DLP, "SUBJECT"),
            (" dlp", DLP, "SUBJECT"),
            ("d\nlp", DLP, "SUBJECT"),
            ("d\u200blp", DLP, "SUBJECT"),
            ("x" * 201, DLP, "SUBJECT"),
            (ANONYMOUS, DLP, "SUBJECT"),
            ("service:triage", DLP, "SUBJECT"),
            ("dlp", "", "SOURCE"),
            ("dlp", "x" * 501, "SOURCE"),
            ("dlp", "a*b", "SOURCE"),
            ("dlp", "a**", "SOURCE"),
            ("dlp", "a\x1b[2J", "SOURCE"),
        ],
    )
    def test_is_refused_by_the_argument_that_is_wrong(
        self, subject: str, source: str, names: str
    ) -> None:
        with pytest.raises(ValueError, match=names):
            registration(subject, source)

    def test_is_made_with_what_it_may(self) -> None:
        assert registration("dlp", DLP, opens=False, adds=True, exercises=False) == Registration(
            "dlp", DLP, opens=False, adds=True, exercises=False
        )


class TestRights:
    def test_of_a_report_need_no_registration(self) -> None:
        assert Caller(SYSTEM).rights(None) == Rights(opens=True, adds=False, exercises=True)

    @pytest.mark.parametrize("actor", [SYSTEM, STAFF], ids=["system", "staff"])
    def test_to_speak_for_a_source_are_registered(self, actor: Actor) -> None:
        with pytest.raises(NotRegistered, match="ledger source add"):
            Caller(actor).rights(DLP)
        with pytest.raises(NotRegistered):
            Caller(actor, (Registration(actor.subject, OTHERS),)).rights(DLP)
        assert Caller(actor, (Registration(actor.subject, DLP),)).rights(DLP).opens

    @given(registrations, st.sampled_from([None, DLP, OTHERS]))
    def test_are_those_of_the_registrations_that_cover_the_source(
        self, registered: tuple[Registration, ...], source: str | None
    ) -> None:
        covering = [one for one in registered if source is None or one.covers(source)]
        caller = Caller(SYSTEM, registered)
        if source is not None and not covering:
            with pytest.raises(NotRegistered):
                caller.rights(source)
        elif covering:
            assert caller.rights(source) == Rights(
                any(one.opens for one in covering),
                any(one.adds for one in covering),
                any(one.exercises for one in covering),
            )

    @pytest.mark.parametrize("role", who_may("report"))
    def test_to_add_to_any_incident_are_those_of_who_reads_them(self, role: Role) -> None:
        caller = Caller(Actor("nora", frozenset({role})))
        assert caller.rights(None).adds == (role in who_may("read_incident"))

    def test_a_refusal_says_nothing_of_others(self) -> None:
        with pytest.raises(NotRegistered) as refused:
            Caller(SYSTEM, (Registration("dlp", OTHERS),)).rights(DLP)
        assert OTHERS not in str(refused.value)


class TestAnIncident:
    OWN = (Registration("dlp", "//dlp.example/*"),)

    @pytest.mark.parametrize(
        ("opener", "registered", "own"),
        [
            (Opener("dlp", None), (), True),
            (Opener("other", None), OWN, False),
            (Opener("relay", DLP), OWN, True),
            (Opener("relay", DLP), (), False),
            (Opener("relay", OTHERS), OWN, False),
            (Opener("dlp", OTHERS), (), True),
            (Opener(ANONYMOUS, None), OWN, False),
        ],
    )
    def test_is_the_callers_own_by_its_name_or_its_source(
        self, opener: Opener, registered: tuple[Registration, ...], own: bool
    ) -> None:
        assert Caller(SYSTEM, registered).opened(opener) == own

    def test_that_was_reported_anonymously_is_nobodys_whatever_the_caller_is_called(self) -> None:
        assert not Caller(Actor(ANONYMOUS)).opened(Opener(ANONYMOUS, None))

    @given(st.text(), st.text(), st.one_of(st.none(), st.sampled_from([DLP, OTHERS])))
    def test_of_another_is_never_ones_own_without_a_registration(
        self, caller: str, opener: str, source: str | None
    ) -> None:
        assert Caller(Actor(caller)).opened(Opener(opener, source)) == (
            caller == opener and caller != ANONYMOUS
        )


class TestTheRegistry:
    def setup_method(self) -> None:
        self.registered = [Registration("dlp", DLP), Registration("dlp", OTHERS)]
        self.reads = 0

    async def read(self) -> list[Registration]:
        self.reads += 1
        await asyncio.sleep(0)
        return self.registered

    async def test_gives_each_caller_its_own(self) -> None:
        registry = Registry(self.read)
        assert (await registry.caller(SYSTEM)).registered == tuple(self.registered)
        assert (await registry.caller(STAFF)).registered == ()

    async def test_is_read_once_for_many_and_again_when_it_is_too_old(self) -> None:
        registry = Registry(self.read)
        await asyncio.gather(*(registry.caller(SYSTEM) for _ in range(50)))
        assert self.reads == 1
        self.registered = []
        assert (await registry.caller(SYSTEM)).registered
        assert (await registry.caller(SYSTEM, latest=True)).registered == ()
        assert self.reads == 2

    async def test_is_read_once_for_many_that_would_be_refused_together(self) -> None:
        registry = Registry(self.read)
        await registry.caller(STAFF)
        await asyncio.gather(*(registry.caller(STAFF, latest=True) for _ in range(50)))
        assert self.reads <= 3, "one read for those that asked before it began, one for the rest"

    async def test_that_cannot_be_read_says_so_and_is_read_again(self) -> None:
        async def away() -> list[Registration]:
            raise ConnectionRefusedError

        registry = Registry(away)
        with pytest.raises(ConnectionRefusedError):
            await registry.caller(SYSTEM)
        registry.read = self.read
        assert (await registry.caller(SYSTEM)).registered == tuple(self.registered)


def test_every_mix_of_rights_can_be_registered() -> None:
    for opens, adds, exercises in product([True, False], repeat=3):
        one = Registration("dlp", DLP, opens=opens, adds=adds, exercises=exercises)
        assert Caller(SYSTEM, (one,)).rights(DLP) == Rights(opens, adds, exercises)
