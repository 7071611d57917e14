"""Sinks: readers that a run starts for its own lifetime."""

from livecb.sinks.base import ReaderSink, Sink
from livecb.sinks.file import File
from livecb.sinks.server import Server
from livecb.sinks.stdout import Stdout

__all__ = ["File", "ReaderSink", "Server", "Sink", "Stdout"]
