"""The mutants that survive, each with the reason why no test need kill it.

An arm `case _: assert_never(…)` that is taken away is not listed: mypy proves that it is never
reached."""

from typing import Final

from tests.mutation.reading import Explained

EXPLAINED: Final = (
    Explained(
        "services.intake.domain.offers.next_commands",
        "return accepted([adds], decide, state, None)",
        "The decision of intake asks for nobody: the role is asked for above it.",
    ),
    Explained(
        "services.notify.domain.offers._for_message",
        "yield DecideOutcome(message.id, delivered=False, reason=ANY_TEXT)",
        "Both answers are accepted or refused alike, so either finds out what may be offered.",
    ),
    Explained(
        "shared.seal.decide.take_again",
        "take(chains, partition, {}, [examine(record, trust) for record in run], trust, None)",
        "The time dates holes, and a log that leaves one is refused.",
    ),
    Explained(
        "shared.seal.growth.edge_tiles",
        "for level in range(ENTRIES, 9):",
        "A tile of level 8 stands over 2^72 leaves; no log has one.",
    ),
    Explained(
        "shared.tlog.turns._paths",
        "for _ in range((len(leaves) + 1).bit_length()):",
        "More rows of one hash above the root change no path.",
    ),
    Explained(
        "services.triage.domain.offers._on_break_glass",
        "yield from (ConfirmBreakGlass(break_glass_id, False, _WORDS) for break_glass_id in "
        "incident.owed)",
        "Both words are accepted or refused alike, so either finds out what may be offered.",
    ),
)
