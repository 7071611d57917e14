"""Work off the event loop that holds up nobody's end."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from watching import python

from livecb.errors import ServerError
from livecb.server.workers import Workers


def test_workers_do_what_they_are_asked_at_most_so_many_at_once() -> None:
    async def main() -> None:
        workers = Workers(2, "test-worker")
        both = threading.Barrier(2)
        names = await asyncio.gather(*[workers.do(lambda: both.wait(10) and 0) for _ in range(4)])
        assert len(names) == 4
        assert sum(thread.name == "test-worker" for thread in threading.enumerate()) == 2
        with pytest.raises(ZeroDivisionError):
            await workers.do(lambda: 1 // 0)
        assert await workers.do(lambda: 7) == 7
        workers.close()
        with pytest.raises(ServerError, match="stopping"):
            await workers.do(lambda: 7)

    # In a thread of its own: the browser's tests leave a loop running in this one.
    with ThreadPoolExecutor(1) as aside:
        aside.submit(asyncio.run, main()).result()


def test_the_process_ends_while_a_worker_works() -> None:
    code = (
        "import asyncio, threading\n"
        "from livecb.server.workers import Workers\n"
        "begun = threading.Event()\n"
        "def work():\n"
        "    begun.set()\n"
        "    threading.Event().wait(600)\n"
        "async def main():\n"
        "    task = asyncio.ensure_future(Workers(1, 'w').do(work))\n"
        "    while not begun.is_set():\n"
        "        await asyncio.sleep(0.01)\n"
        "    task.cancel()\n"
        "asyncio.run(main())\n"
        "print('over')\n"
    )
    process = python(code)
    assert process.communicate(timeout=30)[0].strip() == "over"
    assert process.returncode == 0
