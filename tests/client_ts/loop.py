"""A loop that goes on until it is stopped, and obeys."""

import time

import livecb

run = livecb.init("loop", sinks=[], capture=None, system_interval=0)
rate = run.control("lr", 0.1, min=0.0, max=1.0)
print(run.id, flush=True)
for step in run.track(range(1_000_000)):
    run.log({"train/loss": rate.value / (1 + step)})
    time.sleep(0.01)
run.finish()
