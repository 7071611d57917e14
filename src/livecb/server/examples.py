"""What is asked and answered, for example: bodies and answers in the OpenAPI document, by method and path.

They are data, and no more; a test holds each to the schema it is an example of.
"""

from __future__ import annotations

from typing import Any

__all__ = ["EXAMPLES"]

_RUN = "20261121-140207-quiet-otter"
_TIME = 1795230000.1
_LOSS = {"type": "metrics", "seq": 12, "time": _TIME, "step": 6, "values": {"train/loss": 0.31}}
_STARTED = {"type": "run_started", "seq": 0, "time": _TIME, "version": 1, "run": _RUN, "name": "mlp"}
_LINES = '{"type":"metrics","seq":12,"time":1795230000.1,"step":6,"values":{"train/loss":0.31}}\n'
_NOTE = {
    "type": "note",
    "seq": -1,
    "time": _TIME,
    "step": 1200,
    "text": "the rate is too high",
    "author": "Ada",
    "id": "5d0f3a8e1c2b",
}
_TOKEN = {
    "name": "ci",
    "id": "5d0f3a8e1c2b",
    "role": "control",
    "project": None,
    "run": None,
    "created": _TIME,
    "expires": 1797822000.1,
    "expired": False,
    "by": "owner",
    "share": False,
    "streams": 100,
    "rate": 100.0,
    "last_used": None,
}
_BASELINE = {
    "name": "best-mlp",
    "run": _RUN,
    "taken": _TIME,
    "metrics": {"val/loss": {"value": 0.13, "best": 0.12, "goal": "min"}},
    "config": {"lr": 0.01},
    "description": "",
}
_STATS = {
    "chart": "loss",
    "series": "train",
    "context": None,
    "count": 2,
    "nonfinite": 0,
    "value": 0.31,
    "step": 6,
    "epoch": 0.75,
    "time": _TIME,
    "first": 2.3,
    "min": 0.31,
    "min_step": 6,
    "max": 2.3,
    "max_step": 1,
    "goal": "min",
    "best": 0.31,
    "best_step": 6,
    "best_time": _TIME,
    "previous": 2.3,
}
_SERIES = {
    "chart": "loss",
    "series": "train",
    "count": 2,
    "thinned": False,
    "axis": "step",
    "x": [1, 2],
    "y": [2.3, "NaN"],
    "step": [1, 2],
    "batch": [4, 8],
    "time": [_TIME, _TIME],
    "epoch": [0.01, None],
    "attempt": [1, 1],
}
_REWIND = {"attempt": 2, "from_step": 1010, "to_step": 900, "time": _TIME}
_RUNS = "/api/runs/{run}"

EXAMPLES: dict[str, dict[str, Any]] = {
    "GET /api/health": {"answer": {"livecb": "0.1.0", "store": "0f3a8e1c2b5d", "pid": 1234}},
    "GET /api/access": {
        "answer": {
            "role": "view",
            "name": "ci",
            "who": "ci",
            "project": "digits",
            "run": None,
            "expires": None,
        }
    },
    "GET /api/tokens": {"answer": {"tokens": [_TOKEN]}},
    "POST /api/tokens": {
        "body": {"name": "ci", "role": "control", "seconds": 2592000},
        "answer": {**_TOKEN, "token": "lcb_5d0f3a8e1c2b_..."},
    },
    f"POST {_RUNS}/share": {
        "body": {"seconds": 604800},
        "answer": {
            **_TOKEN,
            "name": "share-1f0c77aa",
            "role": "view",
            "run": _RUN,
            "share": True,
            "token": "lcb_5d0f3a8e1c2b_...",
            "path": f"r/{_RUN}?token=lcb_5d0f3a8e1c2b_...",
        },
    },
    "GET /api/audit": {
        "answer": {
            "audit": [
                {
                    "time": _TIME,
                    "who": "ada",
                    "address": "127.0.0.1",
                    "what": f"PATCH /api/runs/{_RUN}",
                    "run": _RUN,
                    "said": {"name": "new"},
                }
            ]
        }
    },
    f"PATCH {_RUNS}": {
        "body": {"name": "first try", "tags": ["lr"]},
        "answer": {"run": _RUN, "name": "first try", "tags": ["lr"], "archived": False},
    },
    f"DELETE {_RUNS}": {"answer": {"run": _RUN, "deleted": _TIME, "days": 30}},
    f"POST {_RUNS}/commands": {
        "body": {"name": "set", "parameter": "lr", "value": 0.0003, "by": "Ada"},
        "answer": {
            "id": "5d0f3a8e",
            "name": "set",
            "time": _TIME,
            "by": "Ada",
            "parameter": "lr",
            "value": 0.0003,
            "expires": 1795233600.1,
        },
    },
    f"GET {_RUNS}/events": {
        "answer": {"cursor": "4821", "reset": False, "alive": True, "events": [_STARTED, _LOSS]}
    },
    f"POST {_RUNS}/events": {
        "body": _LINES,
        "answer": {"run": _RUN, "part": "main", "cursor": "4821"},
    },
    "GET /api/stream": {
        "answer": f"event: {_RUN}\nid: 4821\ndata: {_LINES}\nevent: heartbeat\ndata: "
        f'{{"time":{_TIME},"alive":true}}\n\n'
    },
    f"PUT {_RUNS}/files/{{digest}}": {
        "answer": {
            "run": _RUN,
            "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "size": 4,
        }
    },
    f"GET {_RUNS}/series": {
        "answer": {
            "cursor": "4821",
            "x": "step",
            "points": 1000,
            "series": {"train/loss": _SERIES},
            "rewinds": [_REWIND],
        }
    },
    f"GET {_RUNS}/metrics": {"answer": {"cursor": "4821", "metrics": {"train/loss": _STATS}}},
    f"GET {_RUNS}/notes": {"answer": {"cursor": "4821", "reset": False, "notes": [_NOTE]}},
    f"POST {_RUNS}/notes": {
        "body": {"text": "the rate is too high", "author": "Ada", "step": 1200},
        "answer": _NOTE,
    },
    f"PATCH {_RUNS}/notes/{{note}}": {
        "body": {"text": "the rate was too high"},
        "answer": {**_NOTE, "text": "the rate was too high", "edited": _TIME},
    },
    "GET /api/baselines": {"answer": {"baselines": [_BASELINE]}},
    "POST /api/baselines": {"body": {"name": "best-mlp", "run": _RUN}, "answer": _BASELINE},
    "PATCH /api/baselines/{name}": {"body": {"description": "of May"}, "answer": _BASELINE},
    f"GET {_RUNS}/compare": {
        "answer": {
            "run": _RUN,
            "baseline": "best-mlp",
            "with": "20261120-090000-calm-heron",
            "taken": _TIME,
            "better": 1,
            "worse": 0,
            "equal": 0,
            "metrics": {
                "val/loss": {
                    "goal": "min",
                    "run": 0.11,
                    "baseline": 0.12,
                    "difference": -0.01,
                    "relative": -0.083,
                    "verdict": "better",
                }
            },
            "config": {"lr": {"run": 0.001, "baseline": 0.01}},
        }
    },
    "GET /api/trash": {"answer": {"runs": [{"run": _RUN, "deleted": _TIME}], "days": 30}},
}
