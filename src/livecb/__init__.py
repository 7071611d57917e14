"""livecb: watch any Python training loop live, by adding one line.

```python
import livecb

with livecb.init(project="mnist", config={"lr": 1e-3}) as run:
    for batch in run.track(loader, epochs=5):
        run.log({"train/loss": loss})
```
"""

from livecb.errors import LivecbError, LivecbWarning
from livecb.progress import progress_callback
from livecb.run import Run
from livecb.start import init
from livecb.watch import watch

__version__ = "0.1.0"

__all__ = ["LivecbError", "LivecbWarning", "Run", "__version__", "init", "progress_callback", "watch"]
