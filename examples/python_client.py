"""Follow the newest run of this machine's server, or of an address that is given, as a training prints it."""

import sys

import livecb
from livecb.events import Metrics, RunEnded

if __name__ == "__main__":
    with livecb.Client(*sys.argv[1:2]) as client:
        newest = client.list(limit=1)
        if not newest:
            sys.exit("there is no run yet: start a training, such as examples/plain_loop.py")
        run = newest[0]
        print(f"{run.name} ({run.run}) is {run.status}")

        # Each event once, whatever breaks on the way, until the run is over.
        for event in client.follow(run.run, types=["metrics", "run_ended"]):
            if isinstance(event, Metrics):
                print(f"step {event.step}:", *(f"{name}={value:.4g}" for name, value in event.values.items()))
            elif isinstance(event, RunEnded):
                print(f"it is {event.status}")

        for name, metric in client.get(run.run).metrics.items():
            best = "" if metric.best is None else f", best {metric.best:.4g} at step {metric.best_step}"
            print(f"{name}: {metric.count} values, last {metric.value:.4g}{best}")
