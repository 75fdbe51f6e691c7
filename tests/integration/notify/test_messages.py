"""A message's way through HTTP: drafted on facts, approved by others, requested, really sent, said
to be."""

from shared.contract.catalogue.intake import ReportChannel, Reported
from shared.contract.vocabulary import FactKey, InformationType
from shared.runtime.process import clock
from tests.integration.notify.conftest import Notify, assessed, fact
from tests.integration.notify.sinks import Mailbox, Webhook

OUTSIDE = (
    FactKey.AUTHENTIC_AND_OURS,
    FactKey.INFORMATION_KIND,
    FactKey.WHERE,
    FactKey.STILL_LIVE,
    FactKey.WHO_CAN_SEE,
)


async def test_a_message_inside_is_drafted_approved_requested_and_sent(
    notify: Notify, hook: Webhook
) -> None:
    where = fact()
    incident = await notify.incident(where, assessed())
    view = await notify.get(f"/incidents/{incident}")
    assert [(duty["audience"], duty["status"]) for duty in view["duties"]] == [
        ("executives", "required")
    ]
    assert (view["owed"], view["next_commands"]) == (1, ["draft_communication"])

    message = await notify.drafted(incident, where)
    assert (await notify.refused("colin", f"{message}/approval"))["rule"] == "four_eyes"
    waits = await notify.shown(message)
    assert [(gate["gate"], gate["open"], gate["missing"]) for gate in waits["gates"]] == [
        ("facts", True, []),
        ("approval", False, ["peer_approval"]),
    ]
    assert (waits["status"], waits["next_commands"]) == ("draft", ["reject"])
    assert (await notify.refused("colin", f"{message}/request"))["missing"] == ["peer_approval"]

    await notify.give("carla", f"{message}/approval")
    assert (await notify.shown(message))["status"] == "approved"
    await notify.give("colin", f"{message}/request")
    notify.send()
    told = await notify.becomes(message, "communicated")
    assert (told["attempt"], told["due_at"], [item["by"] for item in told["approvals"]]) == (
        1,
        None,
        [notify.pseudonym_of("carla")],
    )
    assert [(got["data"]["title"], got["data"]["text"]) for got in hook.received] == [
        ("A roadmap", "It stands in a public post.")
    ]

    view = await notify.get(f"/incidents/{incident}")
    (duty,) = view["duties"]
    assert (view["owed"], duty["status"], duty["settled_by"]) == (0, "told", "service:notify")
    assert (await notify.types(incident))[-5:] == [
        "communication_drafted",
        "communication_approved",
        "communication_requested",
        "send_started",
        "communicated",
    ]
    assert (await notify.refused("colin", f"{message}/request"))["rule"] == "sent_once"


async def test_a_mail_to_the_outside_needs_all_facts_and_legal(
    notify: Notify, mail: Mailbox
) -> None:
    first = fact(OUTSIDE[0])
    incident = await notify.incident(first, assessed(InformationType.PII))
    to_press = {
        "audience": "press",
        "channel": "mail",
        "title": "About a photo",
        "text": "It is gone – §1.",
    }
    message = await notify.drafted(incident, first, **to_press)
    refused = await notify.refused("carla", f"{message}/approval")
    assert (refused["rule"], refused["missing"]) == ("facts", [key.value for key in OUTSIDE[1:]])
    assert refused["who_can_supply"] == ["responder", "lead", "legal", "communications", "it"]

    await notify.hears(incident, *(fact(key) for key in OUTSIDE[1:]))
    await notify.give("carla", f"{message}/approval", {"approval": "peer"})
    assert (await notify.refused("colin", f"{message}/request"))["rule"] == "legal"
    assert (await notify.refused("lea", f"{message}/approval", {"approval": "legal"}))[
        "rule"
    ] == "role"
    await notify.give("nora", f"{message}/approval")
    await notify.give("colin", f"{message}/request")
    notify.send()
    await notify.becomes(message, "communicated")
    (received,) = mail.received
    assert (received["Subject"], received["To"]) == ("About a photo", "lead@example.org")
    text = received.get_body(("plain",))
    assert text is not None
    assert text.get_content().strip() == "It is gone – §1."


async def test_an_exercise_is_seen_to_be_one(notify: Notify, hook: Webhook, mail: Mailbox) -> None:
    where = fact()
    incident = await notify.incident(where, exercise=True)
    by_hook, by_mail = (
        await notify.requested(incident, where),
        await notify.requested(incident, where, channel="mail"),
    )
    notify.send()
    for message in (by_hook, by_mail):
        assert (await notify.becomes(message, "communicated"))["exercise"] is True
    assert hook.titles == ["EXERCISE: A roadmap"]
    assert [received["Subject"] for received in mail.received] == ["EXERCISE: A roadmap"]


async def test_nothing_is_sent_before_it_is_known_whether_it_is_an_exercise(
    notify: Notify, hook: Webhook
) -> None:
    where, other = fact(), fact()
    unreported = clock.new_id()
    await notify.hears(unreported, where)
    waits = await notify.requested(unreported, where)
    later = await notify.requested(await notify.incident(other), other, title="Later")
    notify.send()
    await notify.becomes(later, "communicated")
    view = await notify.shown(waits)
    assert (view["status"], view["exercise"], hook.titles) == ("requested", None, ["Later"])
    await notify.hears(unreported, Reported(opens=True, exercise=True, channel=ReportChannel.API))
    await notify.becomes(waits, "communicated")
    assert hook.titles == ["Later", "EXERCISE: A roadmap"]


async def test_a_statement_rests_on_what_is_established(notify: Notify) -> None:
    old, unknown = fact(), fact(FactKey.STILL_LIVE, known=False)
    incident = await notify.incident(old, unknown, fact(corrects=old.fact_id))
    for facts, rule in [
        ([], "rests_on_facts"),
        ([str(unknown.fact_id)], "fact_not_established"),
        ([str(old.fact_id)], "fact_corrected"),
        ([str(incident)], "fact_not_heard"),
    ]:
        body = {
            "audience": "executives",
            "channel": "webhook",
            "title": "x",
            "text": "y",
            "facts": facts,
        }
        assert (await notify.refused("colin", f"/incidents/{incident}/communications", body))[
            "rule"
        ] == rule


async def test_a_fact_corrected_after_the_request_stops_the_message(
    notify: Notify, hook: Webhook
) -> None:
    where = fact()
    incident = await notify.incident(where)
    message = await notify.requested(incident, where)
    await notify.hears(incident, fact(corrects=where.fact_id))
    notify.send()
    view = await notify.becomes(message, "failed")
    assert "was corrected by" in view["note"]
    assert (view["due_at"], hook.received) == (None, [])


async def test_a_message_is_rejected_with_a_reason(notify: Notify, hook: Webhook) -> None:
    where = fact()
    incident = await notify.incident(where)
    message = await notify.requested(incident, where)
    await notify.give("nora", f"{message}/rejection", {"reason": "It says more than we know."})
    view = await notify.shown(message)
    assert (view["status"], view["note"], view["due_at"]) == (
        "rejected",
        "It says more than we know.",
        None,
    )
    assert (view["gates"], view["next_commands"], hook.received) == ([], [], [])


async def test_a_duty_is_waived_with_a_reason(notify: Notify) -> None:
    incident = await notify.incident(assessed())
    waiver = {"audience": "executives", "reason": "They wrote the post."}
    assert (
        await notify.ask("colin", "POST", f"/incidents/{incident}/waivers", waiver)
    ).status_code == 403
    await notify.give("nora", f"/incidents/{incident}/waivers", waiver)
    (duty,) = (await notify.get(f"/incidents/{incident}"))["duties"]
    assert (duty["status"], duty["settled_by"], duty["reason"]) == (
        "waived",
        notify.pseudonym_of("nora"),
        "They wrote the post.",
    )
    assert (await notify.refused("lea", f"/incidents/{incident}/waivers", waiver))["rule"] == "owed"
    assert (
        await notify.refused(
            "lea", f"/incidents/{incident}/waivers", waiver | {"audience": "press"}
        )
    )["rule"] == "owed"


async def test_a_channel_that_is_not_set_up_is_refused_by_name(notify: Notify) -> None:
    where = fact()
    incident = await notify.incident(where)
    body = {
        "audience": "executives",
        "channel": "fax",
        "title": "x",
        "text": "y",
        "facts": [str(where.fact_id)],
    }
    refused = await notify.refused("colin", f"/incidents/{incident}/communications", body)
    assert (
        refused["detail"] == "There is no channel 'fax'; the channels are: mail, nowhere, webhook."
    )


async def test_a_title_is_one_line(notify: Notify) -> None:
    incident = await notify.incident()
    for title in ("A\nBcc: everybody@example.org", "A\u2028B", "", "x" * 501):
        body = {
            "audience": "executives",
            "channel": "mail",
            "title": title,
            "text": "y",
            "facts": [],
        }
        answer = await notify.ask("colin", "POST", f"/incidents/{incident}/communications", body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/title")
