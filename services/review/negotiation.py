"""Which form of the report an `Accept` header asks for (RFC 9110 §12.5.1)."""

from services.review.report import RENDERINGS, Form


def preferred(accept: str | None) -> Form | None:
    """The form that an `Accept` header likes best; None when it likes none of
    ours."""
    ranges = [_range(part) for part in (accept or "*/*").split(",")]
    liked = {form: _quality(rendering.media_type, ranges) for form, rendering in RENDERINGS.items()}
    best = max(liked, key=lambda form: liked[form])
    return best if liked[best] > 0 else None


def _range(part: str) -> tuple[str, float]:
    media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = next(
        (value for name, _, value in (one.partition("=") for one in parameters) if name == "q"), "1"
    )
    try:
        # Zero first: every comparison with NaN is false, so NaN counts as zero.
        return media_range, min(max(0.0, float(quality)), 1.0)
    except ValueError:
        return media_range, 0.0


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> float:
    """What the most specific matching range says."""
    for wanted in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        said = [quality for media_range, quality in ranges if media_range == wanted]
        if said:
            return max(said)
    return 0.0
