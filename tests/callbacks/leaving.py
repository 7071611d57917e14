"""How a rank of a test leaves."""

from __future__ import annotations

import os
import sys

import torch


def leave() -> None:
    """End this process once all ranks are here, without taking gloo down.

    torch may wait for ever as it does that: its thread wants the interpreter, which waits for the thread.
    """
    torch.distributed.barrier()
    sys.stdout.flush()
    os._exit(0)
