"""Six real incidents, told through the services' HTTP interfaces.

What happened is from the press, see incidents.json; how it is handled here is made up to show the rules at work.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from deploy.local.keys import INBOX_CHANNEL
from shared.cli.demo.cast import CARLA, COLIN, IVAN, LEA, LUCIA, MONITOR, NORA, RASHID, RUTH, Office, Person, Refused
from shared.contract.vocabulary import ServiceName

INTAKE, TRIAGE, NOTIFY, REVIEW = ServiceName
CHANNEL: Final = INBOX_CHANNEL

Tell = Callable[[str], None]
FactsOf = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Story:
    """One incident of the press, and what the demo shows with it."""

    incident: str
    shows: str
    play: Callable[["Telling"], Awaitable[None]]


@dataclass(slots=True)
class Telling:
    """A story while it is told."""

    office: Office
    source: Mapping[str, str]
    tell: Tell
    incident: UUID

    async def triage(self, by: Person, path: str, **body: Any) -> dict[str, Any]:
        return await self.office.give(by, TRIAGE, self.incident, path, body)

    async def notify(self, by: Person, path: str, **body: Any) -> dict[str, Any]:
        return await self.office.give(by, NOTIFY, self.incident, path, body)

    async def review(self, by: Person, path: str, **body: Any) -> dict[str, Any]:
        return await self.office.give(by, REVIEW, self.incident, path, body)

    def refused(self, refusal: Refused) -> None:
        lacking = f" (missing: {', '.join(refusal.missing)})" if refusal.missing else ""
        self.tell(f"refused by rule [bold]{refusal.rule}[/]: {refusal.detail}{lacking}")

    async def facts(self, **facts: str) -> list[str]:
        """Rashid establishes facts; their ids."""
        return [
            (
                await self.triage(
                    RASHID,
                    "/facts",
                    key=key,
                    value=value,
                    confidence="high",
                    source=self.source["source"],
                    observed_at=_now(),
                )
            )["fact_id"]
            for key, value in facts.items()
        ]

    async def seats(self) -> None:
        for person, seat in ((NORA, "legal"), (COLIN, "communications"), (IVAN, "it")):
            await self.triage(LEA, "/seats", seat=seat, holder=person.name)

    async def propose(self, kind: str, target: str) -> str:
        action: str = (await self.triage(RASHID, "/actions", kind=kind, target=target))["action_id"]
        return action

    async def carried_out(self, action: str, by: Person, note: str) -> None:
        await self.triage(by, f"/actions/{action}/outcome", outcome="successful", carried_out_at=_now(), note=note)
        self.tell(f"contained: {note}")

    async def say(self, audience: str, title: str, text: str, facts: list[str]) -> str:
        """Colin drafts; the message's id."""
        drafted = await self.notify(
            COLIN, "/communications", audience=audience, channel=CHANNEL, title=title, text=text, facts=facts
        )
        communication: str = drafted["communication_id"]
        return communication

    async def approve_and_send(self, communication: str, *approvers: Person) -> None:
        for person in approvers:
            await self.notify(person, f"/communications/{communication}/approval")
        before = await self._communicated()
        await self.notify(COLIN, f"/communications/{communication}/request")
        await self.office.until(RUTH, NOTIFY, self.incident, "incident.communicated.v1", before + 1)

    async def tell_inside(self, facts: list[str], text: str) -> None:
        """Every audience inside that must be told is told."""
        for audience in await self._required():
            message = await self.say(audience, f"Incident: {self.source['platform']}", text, facts)
            await self.approve_and_send(message, CARLA, *([NORA] if audience in OUTSIDE else []))
            self.tell(
                f"communicated to {audience}, approved by carla{' and nora (legal)' if audience in OUTSIDE else ''}"
            )

    async def publish(self, finding: Mapping[str, Any], well: str, wrong: str, lesson: str) -> None:
        await self.review(RUTH, "/findings", **finding)
        await self.review(RUTH, "/observations", kind="went_well", text=well)
        await self.review(RUTH, "/observations", kind="went_wrong", text=wrong)
        await self.review(RUTH, "/lessons", text=lesson)
        await self.review(RUTH, "/policy-clauses", policy="Social media policy", clause="4.2 Confidential information")
        await self.review(RUTH, "/next-review", on=_in_days(180))
        await self.review(RUTH, "/publication")
        self.tell("reviewed: the lessons-learned report is published")

    async def _required(self) -> list[str]:
        view = await self.office.view(COLIN, NOTIFY, self.incident)
        return [duty["audience"] for duty in view["duties"] if duty["status"] == "required"]

    async def _communicated(self) -> int:
        events = await self.office.events(RUTH, NOTIFY, self.incident)
        return sum(event["type"] == "incident.communicated.v1" for event in events)


OUTSIDE: Final = {"data_subjects", "data_protection_authority", "information_owner", "regulator", "customers", "press"}

PUBLIC_POST: Final = {"visibility": "public", "audience_tier": "D", "still_live": "yes"}


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _in_days(days: int) -> str:
    return str(datetime.now(UTC).date() + timedelta(days=days))


async def knee_jerk(t: Telling) -> None:
    """A takedown at once, on no facts."""
    takedown = await t.propose("platform_report", "the tweet")
    t.refused(await t.office.refused(LEA, TRIAGE, t.incident, f"/actions/{takedown}/authorisation"))
    facts = await t.facts(
        authentic_and_ours="yes, the ward sister recognises the board",
        information_kind="patient names on a ward board",
        where="a public tweet",
        still_live="yes",
    )
    await t.facts(who_can_see="unknown")
    t.refused(await t.office.refused(LEA, TRIAGE, t.incident, f"/actions/{takedown}/authorisation"))
    facts += await t.facts(who_can_see="everybody; several thousand followers")
    await t.seats()
    assessed = await t.triage(
        RASHID,
        "/assessments",
        determination="confirmed",
        information_types=["phi"],
        exposure={"platform": "Twitter", "post_kind": "post", "author_relation": "unknown", **PUBLIC_POST},
    )
    t.tell(f"assessed as confirmed, severity {assessed['severity']} by rule {assessed['severity_rule']}")
    await t.triage(
        NORA,
        f"/actions/{takedown}/legal-view",
        view="cleared",
        ground="health data without consent; the platform's own rules",
    )
    await t.triage(LEA, f"/actions/{takedown}/authorisation")
    await t.carried_out(takedown, RASHID, "reported to the platform with the facts; the post was removed")
    await t.tell_inside(facts, "A photo taken on a ward showed a board with patient names. The post has been removed.")
    await t.publish(
        {
            "contributing_factor": "Visitors are photographed in front of boards that carry names",
            "control_layer": "policy_missing",
            "training_adequate": "no",
            "policy_understood": "unknown",
            "action_items": [{"description": "Ward boards show initials only", "owner": "lea", "due": _in_days(30)}],
        },
        well="Evidence of the post was complete before it was removed",
        wrong="The first reaction was to ask for removal before anybody knew whether the names were real",
        lesson="Look at the wall behind the person before the photo is taken",
    )


async def legal_says_no(t: Telling) -> None:
    """A copyright notice against facts; legal refuses and another way is found."""
    facts = await t.facts(
        authentic_and_ours="yes, slides of the embargoed session",
        information_kind="unpublished trial results that move the market",
        where="several public tweets from the hall",
        still_live="yes",
        who_can_see="everybody",
    )
    await t.seats()
    await t.triage(
        RASHID,
        "/assessments",
        determination="confirmed",
        information_types=["financial", "proprietary"],
        exposure={
            "platform": "Twitter",
            "post_kind": "post",
            "visibility": "public",
            "audience_tier": "E",
            "still_live": "yes",
        },
    )
    notice = await t.propose("dmca_notice", "the tweets")
    await t.triage(
        NORA,
        f"/actions/{notice}/legal-view",
        view="refused",
        ground="results are facts: secrecy is no ground for a copyright notice, and attendees signed no embargo",
    )
    t.refused(await t.office.refused(LEA, TRIAGE, t.incident, f"/actions/{notice}/authorisation"))
    ask = await t.propose("ask_author_to_remove", "the authors of the tweets")
    await t.triage(
        NORA,
        f"/actions/{ask}/legal-view",
        view="cleared_with_conditions",
        ground="a request binds nobody",
        conditions="ask, do not threaten; say why",
    )
    await t.triage(LEA, f"/actions/{ask}/authorisation")
    await t.carried_out(ask, RASHID, "asked the authors; most removed their posts")
    await t.tell_inside(
        facts, "Embargoed results were shared from a conference hall. Authors were asked to remove their posts."
    )
    await t.publish(
        {
            "contributing_factor": "Results are shown to a hall and expected to stay in it",
            "control_layer": "policy_unclear",
            "training_adequate": "unknown",
            "policy_understood": "no",
            "action_items": [
                {"description": "Publish at the minute of the talk", "owner": "colin", "due": _in_days(60)}
            ],
        },
        well="Legal looked before a notice without ground went out",
        wrong="Nobody had decided what happens when an embargo breaks",
        lesson="A secret told to a hall is not a secret",
    )


async def break_glass(t: Telling) -> None:
    """Credentials are out and used; a gate is passed, and a second person's word is owed."""
    rotate = await t.propose("rotate_secret", "the credentials in the repository")
    await t.carried_out(rotate, IVAN, "rotated the credentials: protective, it waits for nobody")
    facts = await t.facts(
        authentic_and_ours="yes, the services are ours",
        information_kind="source code and credentials",
        where="public repositories",
        still_live="yes",
    )
    report = await t.propose("platform_report", "the repositories")
    await t.triage(
        NORA,
        f"/actions/{report}/legal-view",
        view="cleared",
        ground="our copyright, and credentials against the platform's terms",
    )
    t.refused(await t.office.refused(LEA, TRIAGE, t.incident, f"/actions/{report}/authorisation"))
    glass = await t.triage(
        LEA,
        "/break-glass",
        gate="facts",
        action_id=report,
        reason="forks multiply by the minute while the audience is counted",
    )
    t.tell(
        f"[bold]break-glass[/] on the fact gate by lea; missing was {', '.join(glass['missing'])}; a second person's word is owed"
    )
    await t.triage(LEA, f"/actions/{report}/authorisation")
    await t.carried_out(report, RASHID, "the platform took the repositories down")
    t.refused(
        await t.office.refused(
            LEA,
            TRIAGE,
            t.incident,
            f"/break-glass/{glass['break_glass_id']}/confirmation",
            {"upheld": True, "note": "it was right"},
        )
    )
    facts += await t.facts(who_can_see="everybody, for about a month")
    await t.seats()
    await t.triage(
        RASHID,
        "/assessments",
        determination="confirmed",
        information_types=["source-code", "secrets"],
        exposure={
            "platform": "GitHub",
            "post_kind": "code_repository",
            "author_relation": "employee",
            "visibility": "public",
            "audience_tier": "D",
            "still_live": "no",
            "copies": 3,
        },
    )
    await t.triage(
        LUCIA,
        f"/break-glass/{glass['break_glass_id']}/confirmation",
        upheld=True,
        note="waiting for an exact audience would have helped nobody",
    )
    t.tell("the second person's word is given by lucia")
    await t.tell_inside(
        facts, "Internal code and credentials stood in public repositories. They are gone, and the credentials changed."
    )
    await t.publish(
        {
            "contributing_factor": "New repositories are public unless somebody thinks of it",
            "control_layer": "tool_default",
            "training_adequate": "yes",
            "policy_understood": "yes",
            "action_items": [
                {"description": "Repositories are private by default", "owner": "ivan", "due": _in_days(14)}
            ],
        },
        well="Secrets were rotated before anything else",
        wrong="The exposure lasted a month before anybody looked",
        lesson="Make the safe way the default way",
    )


async def wrong_approver(t: Telling) -> None:
    """A statement approved by its own author, and one that cites nothing."""
    rotate = await t.propose("rotate_secret", "the login in the picture")
    await t.carried_out(rotate, IVAN, "changed the login: protective, it waits for nobody")
    (unfounded,) = [
        await t.office.refused(
            COLIN,
            NOTIFY,
            t.incident,
            "/communications",
            {
                "audience": "press",
                "channel": CHANNEL,
                "title": "No harm done",
                "text": "Nothing was lost.",
                "facts": [],
            },
        )
    ]
    t.refused(unfounded)
    facts = await t.facts(
        authentic_and_ours="yes, our login",
        information_kind="a user name and a password",
        where="a photo in a public tweet",
        still_live="no, deleted after an hour",
        who_can_see="thousands of followers",
    )
    await t.seats()
    await t.triage(
        RASHID,
        "/assessments",
        determination="confirmed",
        information_types=["credentials-user"],
        exposure={
            "platform": "Twitter",
            "post_kind": "post",
            "author_relation": "employee",
            "visibility": "public",
            "audience_tier": "E",
            "still_live": "no",
            "copies": 40,
        },
    )
    statement = await t.say(
        "press", "About a photo", "A login could be read in a photo that we posted. It was changed at once.", facts
    )
    t.refused(await t.office.refused(COLIN, NOTIFY, t.incident, f"/communications/{statement}/approval"))
    await t.approve_and_send(statement, CARLA, NORA)
    t.tell("communicated to press, approved by carla and nora (legal)")
    await t.tell_inside(
        facts, "A login could be read in a photo. It was changed within minutes; nobody else had used it."
    )
    await t.publish(
        {
            "contributing_factor": "The login stands on paper beside the screen",
            "control_layer": "training_ineffective",
            "training_adequate": "no",
            "policy_understood": "yes",
            "action_items": [
                {"description": "Single sign-on for the volunteers' room", "owner": "ivan", "due": _in_days(45)}
            ],
        },
        well="The login was changed before the post was deleted",
        wrong="The first statement rested on nothing",
        lesson="Say what you know, and who checked it",
    )


async def near_miss(t: Telling) -> None:
    """A researcher was faster than anybody who would have used it."""
    revoke = await t.propose("revoke_access", "the key in the public code")
    await t.carried_out(revoke, IVAN, "revoked the key: protective, it waits for nobody")
    facts = await t.facts(authentic_and_ours="yes, a working key", where="a public repository", still_live="no")
    assessed = await t.triage(
        RASHID,
        "/assessments",
        determination="near_miss",
        information_types=["secrets"],
        exposure={
            "platform": "GitHub",
            "post_kind": "code_repository",
            "visibility": "public",
            "still_live": "no",
            "copies": 0,
        },
    )
    t.tell(f"assessed as a near miss, severity {assessed['severity']}")
    message = await t.say(
        "executives",
        "A near miss",
        "A working key stood in public code. A researcher told us; nobody had used it.",
        facts,
    )
    await t.approve_and_send(message, CARLA)
    t.tell("communicated to executives, approved by carla")
    await t.review(RUTH, "/review")
    await t.publish(
        {
            "contributing_factor": "Keys are copied into code because that is the quickest way",
            "control_layer": "tool_default",
            "training_adequate": "yes",
            "policy_understood": "yes",
            "action_items": [{"description": "Scan every push for keys", "owner": "ivan", "due": _in_days(21)}],
        },
        well="The researcher knew where to report, and was answered the same day",
        wrong="Our own scan would not have found it",
        lesson="Thank those who tell us",
    )


async def false_positive(t: Telling) -> None:
    """A public board that is public on purpose."""
    await t.facts(authentic_and_ours="ours, and meant to be public: the events board", where="a public board")
    await t.triage(
        RASHID,
        "/assessments",
        determination="false_positive",
        information_types=[],
        exposure={"platform": "Trello", "post_kind": "web_page", "visibility": "public", "still_live": "yes"},
    )
    await t.triage(LEA, "/dismissal", reason="authorised_disclosure", note="the board is published by communications")
    t.tell("dismissed: an authorised disclosure. No action, no message, no review")


STORIES: Final = (
    Story("vcdb-issue-6174", "a knee-jerk takedown, refused for missing facts and allowed once they are in", knee_jerk),
    Story("vcdb-issue-7925", "a refusal by legal, and the way round it that legal cleared", legal_says_no),
    Story("vcdb-issue-14192", "a break-glass, and the second person's word that it owes", break_glass),
    Story("vcdb-issue-8413", "a message that rests on nothing, and one approved by the wrong person", wrong_approver),
    Story("vcdb-issue-14831", "a near miss, reviewed all the same", near_miss),
    Story("vcdb-issue-14979", "a false positive, dismissed with its reason", false_positive),
)


async def begin(office: Office, source: Mapping[str, str], tell: Tell) -> Telling:
    """The report that every story begins with, once triage has heard of it."""
    incident = await office.report(
        MONITOR,
        {
            "discovery": "monitoring",
            "noticed_at": _now(),
            "description": f"{source['summary']} ({source['organisation']}; {source['source']})",
            "exposure": {"platform": source["platform"], "visibility": "public", "still_live": "unknown"},
        },
    )
    tell(f"reported: {source['summary']}")
    return Telling(office, source, tell, incident)
