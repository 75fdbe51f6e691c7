"""HTTP of review: reviews, lessons and the report out, commands in."""

from fastapi import APIRouter

from services.review.api import commands, erasures, log, publishing, reads, report

router = APIRouter()
router.include_router(log.router)
router.include_router(reads.router)
router.include_router(commands.router)
router.include_router(publishing.router)
router.include_router(erasures.router)
router.include_router(report.router)
