"""Six real incidents, told through the services' HTTP interfaces.

What happened is from the press, see incidents.json; how it is handled here is made up to show the
rules at work."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from deploy.ledger.run.demo.cast import CARLA, COLIN, IVAN, LEA, LUCIA, NORA, RASHID, RUTH
from deploy.ledger.run.demo.telling import CHANNEL, NOTIFY, TRIAGE, Finding, Telling


@dataclass(frozen=True, slots=True)
class Story:
    """One incident of the press, and what the demo shows with it."""

    incident: str
    shows: str
    play: Callable[[Telling], Awaitable[None]]


async def knee_jerk(t: Telling) -> None:
    """A takedown at once, on no facts."""
    takedown = await t.propose("platform_report", "the tweet")
    await t.cannot_authorise(takedown)
    facts = await t.facts(
        authentic_and_ours="yes, the ward sister recognises the board",
        information_kind="patient names on a ward board",
        where="a public tweet",
        still_live="yes",
    )
    await t.facts(who_can_see="unknown")
    await t.cannot_authorise(takedown)
    facts += await t.facts(who_can_see="everybody; several thousand followers")
    await t.seats()
    await t.assess(
        "confirmed",
        "phi",
        post_kind="post",
        author_relation="unknown",
        audience_tier="D",
        still_live="yes",
    )
    await t.legal_view(takedown, "cleared", "health data without consent; the platform's own rules")
    await t.authorise(takedown)
    await t.carried_out(
        takedown, RASHID, "reported to the platform with the facts; the post was removed"
    )
    await t.tell_required(
        facts,
        "A photo taken on a ward showed a board with patient names. The post has been removed.",
    )
    await t.publish(
        Finding(
            "Visitors are photographed in front of boards that carry names",
            "policy_missing",
            training_adequate="no",
            policy_understood="unknown",
            item=("Ward boards show initials only", "lea", 30),
        ),
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
    await t.assess(
        "confirmed",
        "financial",
        "proprietary",
        post_kind="post",
        audience_tier="E",
        still_live="yes",
    )
    notice = await t.propose("dmca_notice", "the tweets")
    await t.legal_view(
        notice,
        "refused",
        "results are facts: secrecy is no ground for a copyright notice, and attendees signed no embargo",
    )
    await t.cannot_authorise(notice)
    ask = await t.propose("ask_author_to_remove", "the authors of the tweets")
    await t.legal_view(
        ask,
        "cleared_with_conditions",
        "a request binds nobody",
        conditions="ask, do not threaten; say why",
    )
    await t.authorise(ask)
    await t.carried_out(ask, RASHID, "asked the authors; most removed their posts")
    await t.tell_required(
        facts,
        "Embargoed results were shared from a conference hall. Authors were asked to remove their posts.",
    )
    await t.publish(
        Finding(
            "Results are shown to a hall and expected to stay in it",
            "policy_unclear",
            training_adequate="unknown",
            policy_understood="no",
            item=("Publish at the minute of the talk", "colin", 60),
        ),
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
    await t.legal_view(
        report, "cleared", "our copyright, and credentials against the platform's terms"
    )
    await t.cannot_authorise(report)
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
    await t.authorise(report)
    await t.carried_out(report, RASHID, "the platform took the repositories down")
    second_word = f"/break-glass/{glass['break_glass_id']}/confirmation"
    await t.refused(LEA, TRIAGE, second_word, upheld=True, note="it was right")
    facts += await t.facts(who_can_see="everybody, for about a month")
    await t.seats()
    await t.assess(
        "confirmed",
        "source-code",
        "secrets",
        post_kind="code_repository",
        author_relation="employee",
        audience_tier="D",
        still_live="no",
        copies=3,
    )
    await t.triage(
        LUCIA,
        second_word,
        upheld=True,
        note="waiting for an exact audience would have helped nobody",
    )
    t.tell("the second person's word is given by lucia")
    await t.tell_required(
        facts,
        "Internal code and credentials stood in public repositories. They are gone, and the credentials changed.",
    )
    await t.publish(
        Finding(
            "New repositories are public unless somebody thinks of it",
            "tool_default",
            training_adequate="yes",
            policy_understood="yes",
            item=("Repositories are private by default", "ivan", 14),
        ),
        well="Secrets were rotated before anything else",
        wrong="The exposure lasted a month before anybody looked",
        lesson="Make the safe way the default way",
    )


async def wrong_approver(t: Telling) -> None:
    """A statement approved by its own author, and one that cites nothing."""
    rotate = await t.propose("rotate_secret", "the login in the picture")
    await t.carried_out(rotate, IVAN, "changed the login: protective, it waits for nobody")
    nothing = {
        "channel": CHANNEL,
        "title": "No harm done",
        "text": "Nothing was lost.",
        "facts": [],
    }
    await t.refused(COLIN, NOTIFY, "/communications", audience="press", **nothing)
    facts = await t.facts(
        authentic_and_ours="yes, our login",
        information_kind="a user name and a password",
        where="a photo in a public tweet",
        still_live="no, deleted after an hour",
        who_can_see="thousands of followers",
    )
    await t.seats()
    await t.assess(
        "confirmed",
        "credentials-user",
        post_kind="post",
        author_relation="employee",
        audience_tier="E",
        still_live="no",
        copies=40,
    )
    statement = await t.say(
        "press",
        "About a photo",
        "A login could be read in a photo that we posted. It was changed at once.",
        facts,
    )
    await t.refused(COLIN, NOTIFY, f"/communications/{statement}/approval")
    await t.approve_and_send(statement, CARLA, NORA)
    t.tell("communicated to press, approved by carla and nora (legal)")
    await t.tell_required(
        facts,
        "A login could be read in a photo. It was changed within minutes; nobody else had used it.",
    )
    await t.publish(
        Finding(
            "The login stands on paper beside the screen",
            "training_ineffective",
            training_adequate="no",
            policy_understood="yes",
            item=("Single sign-on for the volunteers' room", "ivan", 45),
        ),
        well="The login was changed before the post was deleted",
        wrong="The first statement rested on nothing",
        lesson="Say what you know, and who checked it",
    )


async def near_miss(t: Telling) -> None:
    """A researcher was faster than anybody who would have used it."""
    revoke = await t.propose("revoke_access", "the key in the public code")
    await t.carried_out(revoke, IVAN, "revoked the key: protective, it waits for nobody")
    facts = await t.facts(
        authentic_and_ours="yes, a working key", where="a public repository", still_live="no"
    )
    await t.assess("near_miss", "secrets", post_kind="code_repository", still_live="no", copies=0)
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
        Finding(
            "Keys are copied into code because that is the quickest way",
            "tool_default",
            training_adequate="yes",
            policy_understood="yes",
            item=("Scan every push for keys", "ivan", 21),
        ),
        well="The researcher knew where to report, and was answered the same day",
        wrong="Our own scan would not have found it",
        lesson="Thank those who tell us",
    )


async def false_positive(t: Telling) -> None:
    """A public board that is public on purpose."""
    await t.facts(
        authentic_and_ours="ours, and meant to be public: the events board", where="a public board"
    )
    await t.assess("false_positive", post_kind="web_page", still_live="yes")
    await t.triage(
        LEA,
        "/dismissal",
        reason="authorised_disclosure",
        note="the board is published by communications",
    )
    t.tell("dismissed: an authorised disclosure. No action, no message, no review")


STORIES: Final = (
    Story(
        "vcdb-issue-6174",
        "a knee-jerk takedown, refused for missing facts and allowed once they are in",
        knee_jerk,
    ),
    Story(
        "vcdb-issue-7925",
        "a refusal by legal, and the way round it that legal cleared",
        legal_says_no,
    ),
    Story(
        "vcdb-issue-14192", "a break-glass, and the second person's word that it owes", break_glass
    ),
    Story(
        "vcdb-issue-8413",
        "a message that rests on nothing, and one approved by the wrong person",
        wrong_approver,
    ),
    Story("vcdb-issue-14831", "a near miss, reviewed all the same", near_miss),
    Story("vcdb-issue-14979", "a false positive, dismissed with its reason", false_positive),
)
