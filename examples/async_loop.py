"""An async job that goes sample by sample: models answer, a judge decides. Open the address it prints."""

import asyncio
import random

import livecb

TOPICS = ["algebra", "geometry", "logic"]
SKILL = {"careful": 0.7, "quick": 0.4}  # stand-ins for models behind an API
COUNT = 300


async def ask(model: str) -> float:  # how good its answer is
    await asyncio.sleep(random.expovariate(50))
    return min(1.0, max(0.0, random.gauss(SKILL[model], 0.2)))


async def write_samples(run: livecb.Run) -> int:
    tell = livecb.progress_callback(run)
    kept: list[float] = []
    slots = asyncio.Semaphore(8)

    async def write(topic: str) -> None:
        async with slots:
            qualities = dict(zip(SKILL, await asyncio.gather(*map(ask, SKILL)), strict=True))
        best = max(qualities, key=lambda model: qualities[model])
        good = qualities[best] > 0.6
        kept.extend([qualities[best]] if good else [])
        marks = {"category": topic, "quality": qualities[best], "best_model": best}
        await tell(total=COUNT, phase="judging", **marks, successful=good, failed=not good, saved=len(kept))
        await run.alog({"kept": len(kept)})  # as `run.log`, and others have their turn

    await asyncio.gather(*(write(random.choice(TOPICS)) for _ in range(COUNT)))
    return len(kept)


if __name__ == "__main__":
    with livecb.init("data", "judged samples") as run:
        print(asyncio.run(write_samples(run)), "samples kept")
