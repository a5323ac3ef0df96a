"""Scripts on real machines: handed to the machine's own scheduler, watched there, each exactly once.

Nothing of it is kept here: the truth lies on the machine and in the engine's record of the job. In the life of a
script, any step of which may be cut off by ``kill -9`` of this program or a broken connection:

1. The submission (``submission.py``) is one shell script on the machine. It first makes the directory
   ``.agave.submission`` in the job's work directory: only one submission ever gets it. It leaves the scheduler's
   answer there, then sends it to us.
2. An answer that was lost is read there by the next attempt. Where there is none (the submission itself was cut
   off), the scheduler is asked for a job of this name and work directory before another is tried.
3. Watching (``watching.py``) is one status command for all scripts of a login, at an interval that grows while
   nothing happens. A restart knows nothing but the remote job id, and that is enough.
4. How it ended is what the scheduler says; where it has forgotten, or never knew, what the script itself has left
   in ``.agave.exit``; where there is neither: LOST.
"""
