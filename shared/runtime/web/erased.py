"""How readers are told that a text is gone."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.catalogue.review import ErasureGround
from shared.runtime.say.texts import Erasure


class ErasedView(BaseModel):
    """That a text was erased, when and on which ground."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"erased_at": "2026-09-02T09:00:00Z", "ground": "no_longer_needed"}
        }
    )

    erased_at: datetime
    ground: ErasureGround = Field(description="Of Regulation (EU) 2016/679, art. 17 (1), or ours.")

    @classmethod
    def of(cls, erasure: Erasure | None) -> Self | None:
        if erasure is None:
            return None
        return cls(erased_at=erasure.erased_at, ground=erasure.ground)
