"""The Python client: what the HTTP API says and takes, blocking and with asyncio."""

from livecb.client.asynchronous import AsyncClient, AsyncFollower
from livecb.client.blocking import Client, Follower
from livecb.client.records import EventPage, Metric, RunRow, RunState

__all__ = [
    "AsyncClient",
    "AsyncFollower",
    "Client",
    "EventPage",
    "Follower",
    "Metric",
    "RunRow",
    "RunState",
]
