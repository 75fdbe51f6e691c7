"""Three stories about what may be done against a post, and who must agree."""

from typing import Final

from deploy.ledger.printing import bold
from deploy.ledger.run.demo.cast import IVAN, LEA, LUCIA, RASHID
from deploy.ledger.run.demo.telling import TRIAGE, Finding, Review, Telling

KNEE_JERK_FACTS: Final = {
    "authentic_and_ours": "yes, the ward sister recognises the board",
    "information_kind": "patient names on a ward board",
    "where": "a public tweet",
    "still_live": "yes",
}
KNEE_JERK_FOUND: Final = Review(
    Finding(
        "Visitors are photographed in front of boards that carry names",
        "policy_missing",
        training_adequate="no",
        policy_understood="unknown",
        item=("Ward boards show initials only", "lea", 30),
    ),
    well="Evidence of the post was complete before it was removed",
    wrong="The first reaction was to ask for removal before anybody knew "
    "whether the names were real",
    lesson="Look at the wall behind the person before the photo is taken",
)


async def knee_jerk(t: Telling) -> None:
    """A takedown at once, on no facts."""
    takedown = await t.propose("platform_report", "the tweet")
    await t.cannot_authorise(takedown)
    facts = await t.facts(**KNEE_JERK_FACTS)
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
    await t.publish(KNEE_JERK_FOUND)


LEGAL_SAYS_NO_FACTS: Final = {
    "authentic_and_ours": "yes, slides of the embargoed session",
    "information_kind": "unpublished trial results that move the market",
    "where": "several public tweets from the hall",
    "still_live": "yes",
    "who_can_see": "everybody",
}
LEGAL_SAYS_NO_FOUND: Final = Review(
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


async def legal_says_no(t: Telling) -> None:
    """A copyright notice against facts; legal refuses and another way is found."""
    facts = await t.facts(**LEGAL_SAYS_NO_FACTS)
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
        "results are facts: secrecy is no ground for a copyright notice, "
        "and attendees signed no embargo",
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
        "Embargoed results were shared from a conference hall. "
        "Authors were asked to remove their posts.",
    )
    await t.publish(LEGAL_SAYS_NO_FOUND)


BREAK_GLASS_FACTS: Final = {
    "authentic_and_ours": "yes, the services are ours",
    "information_kind": "source code and credentials",
    "where": "public repositories",
    "still_live": "yes",
}
BREAK_GLASS_FOUND: Final = Review(
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


async def break_glass(t: Telling) -> None:
    """Credentials are out and used; a gate is passed, and a second person's word is owed."""
    rotate = await t.propose("rotate_secret", "the credentials in the repository")
    await t.carried_out(rotate, IVAN, "rotated the credentials: protective, it waits for nobody")
    facts = await t.facts(**BREAK_GLASS_FACTS)
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
        bold("break-glass"),
        f" on the fact gate by lea; missing was {', '.join(glass['missing'])}; "
        "a second person's word is owed",
    )
    await t.authorise(report)
    await t.carried_out(report, RASHID, "the platform took the repositories down")
    second_word = f"/break-glass/{glass['break_glass_id']}/confirmation"
    await t.refused(LEA, TRIAGE, second_word, upheld=True, note="it was right")
    facts += await t.facts(who_can_see="everybody, for about a month")
    await _assessed_and_confirmed(t, second_word)
    await t.tell_required(
        facts,
        "Internal code and credentials stood in public repositories. "
        "They are gone, and the credentials changed.",
    )
    await t.publish(BREAK_GLASS_FOUND)


async def _assessed_and_confirmed(t: Telling, second_word: str) -> None:
    """The second person confirms once the exposure is known."""
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
