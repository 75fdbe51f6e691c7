"""A FastAPI application that does nothing, on the same server with the same settings as ours:
`python -m tests.bench.noop PORT`."""

import sys

import uvicorn
import uvloop
from fastapi import FastAPI

app = FastAPI(docs_url=None, redoc_url=None)


@app.post("/nothing", status_code=201)
async def nothing() -> dict[str, str]:
    return {}


if __name__ == "__main__":
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=20,
    )
    uvloop.run(uvicorn.Server(config).serve())
