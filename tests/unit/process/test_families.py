"""Every family of variables that a library obeys, each pattern of each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.process.surroundings import FOREIGN, forget_foreign, is_foreign

PATTERNS = [(family, pattern) for family, patterns in FOREIGN.items() for pattern in patterns]
OURS = {
    "LEDGER_DATABASE_DSN": "x",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "x",
    "OTEL_SERVICE_NAME": "x",
    "AWS_ACCESS_KEY_ID": "x",
    "PATH": "x",
    "LANG": "x",
    "MY_HTTP_PROXY_NOTES": "x",
    "LOG_DIRECTORY": "x",
    "XPGHOST": "x",
}


@pytest.mark.parametrize(("family", "pattern"), PATTERNS)
def test_a_variable_belongs_to_its_family_in_any_case(family: str, pattern: str) -> None:
    for name in (pattern.replace("*", "SOMETHING"), pattern.replace("*", "x").lower()):
        assert is_foreign(name)
        assert is_foreign(name, [family])
        others = [other for other in FOREIGN if other != family]
        assert not is_foreign(name, others), "no two libraries share one"


@pytest.mark.parametrize(("family", "pattern"), PATTERNS)
def test_it_is_forgotten_alone_and_spared_with_its_family(family: str, pattern: str) -> None:
    name = pattern.replace("*", "SOMETHING")
    environ = {**OURS, name: "hostile"}
    assert forget_foreign(environ, sparing=[family]) == []
    assert environ == {**OURS, name: "hostile"}
    assert forget_foreign(environ) == [name]
    assert environ == OURS


@given(st.dictionaries(st.sampled_from([*OURS, "PGHOST", "netrc", "JAVA_HOME"]), st.text()))
def test_what_is_left_is_not_foreign_and_all_that_is_gone_is_named(environ: dict[str, str]) -> None:
    before = dict(environ)
    forgotten = forget_foreign(environ)
    assert not any(map(is_foreign, environ))
    assert sorted(before.keys() - environ.keys()) == forgotten
    assert all(environ[name] == before[name] for name in environ)
    assert forget_foreign(environ) == []


@pytest.mark.parametrize("family", FOREIGN)
def test_patterns_are_written_in_capitals(family: str) -> None:
    assert FOREIGN[family]
    assert all(pattern == pattern.upper() for pattern in FOREIGN[family])
