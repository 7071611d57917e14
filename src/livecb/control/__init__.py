"""Commands: what readers wish of a run, and how its loop obeys.

A wish is a line appended to the run's second log, `commands.jsonl`. A thread of the training reads it
and says that it was asked; the loop obeys at its next safe point, between two steps, and says what
became of it. Both are events of the run's own log: every viewer sees who changed what, and when.
"""
