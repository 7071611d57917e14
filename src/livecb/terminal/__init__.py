"""The terminal view: a run as it goes, where there is no browser. It needs `livecb[watch]`."""
