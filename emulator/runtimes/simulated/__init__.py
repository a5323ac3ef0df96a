"""Jobs that are played instead of run, on the clocks of their worlds.

No script, no process, no thread: a job is a record of when it may start, and what happens follows from that, from
its queue's limits and from its world's clock. Timers wake the engine; files are written when it asks how the job
stands, before it is told. A record is on disk before its job counts as taken, so a restart, also after
``kill -9``, goes on with it, and what would have ended meanwhile has ended at the moment it would have.
"""
