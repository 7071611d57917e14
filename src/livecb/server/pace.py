"""How a server spends time and memory."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["IN_A_PROCESS", "IN_A_THREAD", "Pace"]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds and bytes, for all feeds of a server.

    Attributes:
        quick: Between looks at a log while events come.
        idle: Between looks when none have come for a while.
        dead: Between looks when no writer lives.
        share: The part of a processor that sending may take.
        fresh: Between two States of a run, and between two looks at who lives.
        rows: Between looks at the list of runs.
        heartbeat: Between heartbeats.
        stuck: After so long a viewer that does not read is cut off; it comes back with its cursor.
        ring: Bytes of ticks kept for viewers that are a little behind.
        send: Bytes given to a viewer at once.
        lines: Lines read at once.
        compress: Whether answers are compressed for who takes that.
    """

    quick: float = 0.003
    idle: float = 0.03
    dead: float = 0.25
    share: float = 0.5
    fresh: float = 0.5
    rows: float = 1.0
    heartbeat: float = 10.0
    stuck: float = 60.0
    ring: int = 8 << 20
    send: int = 256 << 10
    lines: int = 2000
    compress: bool = True


IN_A_PROCESS = Pace()

# What the server takes there, the training does not get: it sends seldom, and more at once.
IN_A_THREAD = Pace(quick=0.02, idle=0.1, share=0.08, compress=False)
