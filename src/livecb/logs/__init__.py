"""Logs: order and cursors, in memory or in a file."""

from livecb.logs.base import START, Batch, Log
from livecb.logs.file import FileLog
from livecb.logs.joined import JoinedLog
from livecb.logs.memory import MemoryLog

__all__ = ["START", "Batch", "FileLog", "JoinedLog", "Log", "MemoryLog"]
