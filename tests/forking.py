"""What a forked child can do while a thread that it does not have holds a lock."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any


def status_of_child(lock: Any, do: Callable[[], object]) -> int:
    """Fork while another thread holds a lock; return how the child ended, which has five seconds.

    It is 0 where the child did what it had to, and that was nothing, zero or false.
    """
    held, forked = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            forked.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(5)
        os._exit(int(bool(do())))
    forked.set()
    holder.join()
    return os.waitpid(child, 0)[1]
