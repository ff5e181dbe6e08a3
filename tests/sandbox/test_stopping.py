"""The sandbox as a program of its own: it stops at once and cleanly, also while somebody watches."""

import asyncio
import signal
import sys

import httpx
import pytest

from contactcenter.sandbox import SandboxConfig
from tests.sandbox.conftest import watching

PROGRAM = """
import asyncio, sys
from pathlib import Path, PosixPath
from contactcenter.sandbox import SandboxConfig, serve

async def main():
    ready = asyncio.Event()
    running = asyncio.create_task(serve(eval(sys.argv[1]), ready=ready))
    await ready.wait()
    print("ready", flush=True)
    await running

asyncio.run(main())
print("stopped", flush=True)
"""


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_cleanly_with_a_page_open(
    config: SandboxConfig, http: httpx.AsyncClient, stop: signal.Signals
) -> None:
    pipe = asyncio.subprocess.PIPE
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, repr(config), stdout=pipe, stderr=pipe
    )
    try:
        assert program.stdout is not None
        async with asyncio.timeout(30):
            assert await program.stdout.readline() == b"ready\n"
        async with watching(http):
            program.send_signal(stop)
            async with asyncio.timeout(10):
                rest, complaints = await program.communicate()
        assert (rest, complaints, program.returncode) == (b"stopped\n", b"", 0)
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
