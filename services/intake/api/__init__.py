"""HTTP of intake: reports in, and what is read of them out."""

from fastapi import APIRouter

from services.intake.api import commands, reads

router = APIRouter()
router.include_router(reads.router)
router.include_router(commands.router)
