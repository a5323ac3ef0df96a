"""What scenarios do at schedulers and to apps, on whatever backend a script runs.

A launcher around the launcher: it asks the gate at ``scheduler.submit``, ``scheduler.status``, ``scheduler.cancel``
and ``app.run`` (and, for sandboxes, ``host.connect`` and ``host.exec``: there nobody logs in), and does as it is
told. What has to be remembered of a job is on disk before it is done, so a restart goes on with it.
"""
