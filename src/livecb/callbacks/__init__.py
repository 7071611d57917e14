"""Callbacks: one framework's hooks, translated into a Run's verbs. One file a framework.

```python
from livecb.callbacks.lightning import LiveStream
from livecb.callbacks.transformers import LiveStream
from livecb.callbacks.keras import LiveStream
```

Importing this package imports no framework.
"""
