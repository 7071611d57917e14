"""livecb: watch any Python training loop live, by adding one line.

```python
import livecb

with livecb.init(project="mnist", config={"lr": 1e-3}) as run:
    for batch in run.track(loader, epochs=5):
        run.log({"train/loss": loss})
```
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from livecb import latest
from livecb.errors import LivecbError, LivecbWarning
from livecb.latest import AlertLevel, alert, define_metric, finish, log, login
from livecb.logged import Audio, Histogram, Image, Table
from livecb.progress import progress_callback
from livecb.run import Run
from livecb.start import init
from livecb.watch import watch

__version__ = "0.1.0"

__all__ = [
    "AlertLevel",
    "Audio",
    "Histogram",
    "Image",
    "LivecbError",
    "LivecbWarning",
    "Run",
    "Table",
    "__version__",
    "alert",
    "define_metric",
    "finish",
    "init",
    "log",
    "login",
    "progress_callback",
    "show",
    "watch",
]


def load_ipython_extension(shell: Any) -> None:
    """Make `%livecb` known to IPython, as `%load_ext livecb` asks."""
    from livecb import notebook

    notebook.load_ipython_extension(shell)


class _Livecb(ModuleType):
    """Makes `livecb.run`, `livecb.config` and `livecb.summary` those of the run begun last.

    Modules of these names are there, too: `from livecb.run import Run` finds them as ever.
    """

    @property
    def run(self) -> Any:
        return latest.current()

    @run.setter
    def run(self, value: object) -> None:
        """Importing the module of this name sets it; nothing else should."""

    @property
    def config(self) -> Any:
        return latest.config()

    @config.setter
    def config(self, value: Any) -> None:
        if not isinstance(value, ModuleType):
            latest.config().update(value)

    @property
    def summary(self) -> Any:
        return latest.summary()


# Not in `__all__`: they need httpx, which a machine that trains may do without.
if TYPE_CHECKING:
    from livecb.client import AsyncClient as AsyncClient
    from livecb.client import Client as Client
    from livecb.notebook import show as show
else:
    sys.modules[__name__].__class__ = _Livecb

    def __getattr__(name: str) -> Any:
        if name == "show":  # what it needs is imported when somebody looks
            return import_module("livecb.notebook").show
        if name in ("AsyncClient", "Client"):
            return getattr(import_module("livecb.client"), name)
        latest.missing(name, [*__all__, "config", "run", "summary"])
