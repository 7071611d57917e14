"""The Python client: what the HTTP API says and takes, blocking and with asyncio."""

from livecb.client.asynchronous import AsyncClient
from livecb.client.baselines import AsyncBaselines, Baseline, Baselines, Comparison
from livecb.client.blocking import Client
from livecb.client.curves import Curve, Series, Values
from livecb.client.following import AsyncFollower, Follower
from livecb.client.records import Asked, EventPage, MediaPage, Metric, RunRow, RunState

__all__ = [
    "Asked",
    "AsyncBaselines",
    "AsyncClient",
    "AsyncFollower",
    "Baseline",
    "Baselines",
    "Client",
    "Comparison",
    "Curve",
    "EventPage",
    "Follower",
    "MediaPage",
    "Metric",
    "RunRow",
    "RunState",
    "Series",
    "Values",
]
