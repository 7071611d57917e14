"""Two processes that train one model with gloo: forks of this one, which has all that takes seconds to import."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # which an optimizer imports: once, and not in each fork

_SECONDS = 120


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def pair(work: Callable[..., Any], *args: Any) -> list[Any]:
    """Call a function in each of two processes, as torchrun sets them up; return what it came to in each.

    Raises:
        AssertionError: One of them failed, or has not come to an end in time.
    """
    # They meet in a store of ours, as torchrun's do: a port that they are told may be taken until they listen.
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    common = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "NODE_RANK": "0", "MASTER_ADDR": "127.0.0.1"}
    common |= {"MASTER_PORT": str(store.port), "ACCELERATE_USE_CPU": "1"}
    common |= {"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "0"}
    ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank), **common} for rank in range(2)]
    return _forks(ranks, work, args)


def apart(work: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a process of its own, which may start others; return what it came to."""
    return _forks([{}], work, args)[0]


def _forks(environments: list[dict[str, str]], work: Callable[..., Any], args: Any) -> list[Any]:
    with tempfile.TemporaryDirectory() as folder:
        children = [_fork(at, each, Path(folder), work, args) for at, each in enumerate(environments)]
        deadline = time.monotonic() + _SECONDS
        left = set(children)
        while left and time.monotonic() < deadline:
            left -= {child for child in left if os.waitpid(child, os.WNOHANG)[0]}
            time.sleep(0.01)
        for child in left:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        said = [path.read_text() for path in sorted(Path(folder).glob("said-*"))]
        assert not left, f"not at an end after {_SECONDS} s: {said}"
        told = [Path(folder, f"told-{rank}") for rank in range(len(children))]
        assert all(path.exists() for path in told), "\n".join(said)
        return [json.loads(path.read_text()) for path in told]


def _fork(rank: int, environment: dict[str, str], folder: Path, work: Callable[..., Any], args: Any) -> int:
    if child := os.fork():
        return child
    try:
        said = os.open(folder / f"said-{rank}", os.O_CREAT | os.O_WRONLY)
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        os.environ.update(environment)
        _forget_accelerate()
        told = work(*args)
        if torch.distributed.is_initialized():
            torch.distributed.barrier()
        (folder / f"new-{rank}").write_text(json.dumps(told))
        os.rename(folder / f"new-{rank}", folder / f"told-{rank}")
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    # Without taking gloo down: its thread may wait for the interpreter for ever, which waits for the thread.
    os._exit(0)


def _forget_accelerate() -> None:
    """Forget that this process was alone."""
    if (state := sys.modules.get("accelerate.state")) is not None:
        state.AcceleratorState._reset_state(reset_partial_state=True)
        state.GradientState._reset_state()
