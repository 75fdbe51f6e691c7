"""What every answer carries, whatever its route says."""

import pytest
from starlette.datastructures import MutableHeaders

from shared.runtime.process import telemetry
from shared.runtime.web.headers import PAGE_POLICY, complete

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def completed(**own: str) -> dict[str, str]:
    headers = MutableHeaders({name.replace("_", "-"): value for name, value in own.items()})
    complete(headers)
    return dict(headers)


def test_nothing_is_guessed_kept_or_leaked() -> None:
    assert completed() == {
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-content-type-options", "another"),
        ("cache-control", "public, max-age=60"),
        ("referrer-policy", "same-origin"),
    ],
)
def test_what_the_answer_says_itself_stays(name: str, value: str) -> None:
    assert completed(**{name: value})[name] == value


@pytest.mark.parametrize(
    ("kind", "policy"),
    [
        ("text/html", PAGE_POLICY),
        ("text/html; charset=utf-8", PAGE_POLICY),
        ("application/json", None),
        ("application/problem+json", None),
        ("text/plain; charset=utf-8", None),
    ],
)
def test_only_a_page_has_a_policy_for_its_content(kind: str, policy: str | None) -> None:
    assert completed(content_type=kind).get("content-security-policy") == policy


def test_a_page_may_have_a_policy_of_its_own() -> None:
    own = completed(content_type="text/html", content_security_policy="default-src 'self'")
    assert own["content-security-policy"] == "default-src 'self'"


def test_the_policy_lets_no_script_run_and_nobody_frame_the_page() -> None:
    directives = dict(part.strip().split(" ", 1) for part in PAGE_POLICY.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    assert directives["base-uri"] == "'none'"
    assert "script-src" not in directives, "the default forbids them all"


def test_an_answer_within_a_trace_names_it() -> None:
    with telemetry.named(PARENT):
        assert completed()["x-request-id"] == TRACE
        assert completed(x_request_id="given")["x-request-id"] == "given"
    assert "x-request-id" not in completed()
