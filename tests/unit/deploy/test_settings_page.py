"""The page of settings says what the settings classes say, and says it of every setting."""

import pytest
from pydantic import Field, SecretStr
from pydantic.fields import FieldInfo

from deploy.settings_page import PAGE, page
from deploy.settings_page import _rows as rows
from tests.services import SERVICES


def test_the_page_is_the_one_that_the_classes_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m deploy.settings_page"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_setting_of_a_service_has_one_row(service: object) -> None:
    fields = service.settings.model_fields  # type: ignore[attr-defined]
    for name in fields:
        assert page().count(f"| `LEDGER_{name.upper()}` |") == 1


def test_a_setting_that_explains_nothing_is_refused() -> None:
    field = FieldInfo.from_annotated_attribute(int, Field(1))
    with pytest.raises(ValueError, match="the setting mute says nowhere what it means"):
        list(rows({"mute": field}))


def test_a_secret_has_no_default() -> None:
    secret = FieldInfo.from_annotated_attribute(SecretStr, Field(description="a secret"))
    assert list(rows({"own": secret})) == ["| `LEDGER_OWN` | required, secret | a secret |"]
