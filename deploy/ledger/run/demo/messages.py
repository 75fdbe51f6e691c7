"""Three stories about what is said of an incident, and when nothing is."""

from typing import Final

from deploy.ledger.run.demo.cast import CARLA, COLIN, IVAN, LEA, NORA, RUTH
from deploy.ledger.run.demo.telling import CHANNEL, NOTIFY, Finding, Review, Telling

WRONG_APPROVER_FACTS: Final = {
    "authentic_and_ours": "yes, our login",
    "information_kind": "a user name and a password",
    "where": "a photo in a public tweet",
    "still_live": "no, deleted after an hour",
    "who_can_see": "thousands of followers",
}
WRONG_APPROVER_FOUND: Final = Review(
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
    facts = await t.facts(**WRONG_APPROVER_FACTS)
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
    await t.publish(WRONG_APPROVER_FOUND)


NEAR_MISS_FACTS: Final = {
    "authentic_and_ours": "yes, a working key",
    "where": "a public repository",
    "still_live": "no",
}
NEAR_MISS_FOUND: Final = Review(
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


async def near_miss(t: Telling) -> None:
    """A researcher was faster than anybody who would have used it."""
    revoke = await t.propose("revoke_access", "the key in the public code")
    await t.carried_out(revoke, IVAN, "revoked the key: protective, it waits for nobody")
    facts = await t.facts(**NEAR_MISS_FACTS)
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
    await t.publish(NEAR_MISS_FOUND)


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
