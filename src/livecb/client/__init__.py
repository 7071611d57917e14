"""The Python client: what the HTTP API says and takes, blocking and with asyncio."""

from livecb.client.asynchronous import AsyncClient
from livecb.client.baselines import AsyncBaselines, Baseline, Baselines, Comparison
from livecb.client.blocking import Client
from livecb.client.curves import Curve, Series, Values
from livecb.client.following import AsyncFollower, Follower
from livecb.client.pages import Candidates, ErrorPage, EventPage, LogPage, MarkPage, MediaPage, NotePage
from livecb.client.records import Asked, Flat, Metric, RunRow, RunState
from livecb.client.rights import Access, AsyncTokens, Change, Link, Token, Tokens
from livecb.client.trash import AsyncTrash, Trash, Trashed

__all__ = [
    "Access",
    "Asked",
    "AsyncBaselines",
    "AsyncClient",
    "AsyncFollower",
    "AsyncTokens",
    "AsyncTrash",
    "Baseline",
    "Baselines",
    "Candidates",
    "Change",
    "Client",
    "Comparison",
    "Curve",
    "ErrorPage",
    "EventPage",
    "Flat",
    "Follower",
    "Link",
    "LogPage",
    "MarkPage",
    "MediaPage",
    "Metric",
    "NotePage",
    "RunRow",
    "RunState",
    "Series",
    "Token",
    "Tokens",
    "Trash",
    "Trashed",
    "Values",
]
