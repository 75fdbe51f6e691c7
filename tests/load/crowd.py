"""Callers who mean harm or know no better, in a process of their own: they are not to slow down the
honest one who is timed."""

import asyncio
import contextlib
import multiprocessing
from collections.abc import AsyncIterator

import uvloop

FIRST_WITHIN = 30.0


@contextlib.asynccontextmanager
async def crowd(port: int, count: int, first: bytes, then: bytes) -> AsyncIterator[None]:
    """So many at a time, all of them begun: who is turned away comes again."""
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    process = context.Process(target=_crowd, args=(port, count, first, then, begun), daemon=True)
    process.start()
    try:
        assert await asyncio.to_thread(begun.wait, FIRST_WITHIN), "the crowd has not come"
        yield
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)


def _crowd(
    port: int, count: int, first: bytes, then: bytes, begun: "multiprocessing.synchronize.Event"
) -> None:
    async def come() -> None:
        callers = [asyncio.ensure_future(_caller(port, first, then)) for _ in range(count)]
        await asyncio.sleep(0)
        begun.set()
        await asyncio.gather(*callers)
        await asyncio.Event().wait()

    uvloop.run(come())


async def _caller(port: int, first: bytes, then: bytes) -> None:
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(first)
                while not reader.at_eof():
                    writer.write(then)
                    await writer.drain()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(1.0):
                            await reader.read(65536)
            finally:
                writer.close()
        await asyncio.sleep(1.0)
