"""Where jobs' scripts run: the launcher of all sandboxes, and its two runtimes, processes and containers.

Each script runs exactly once, and is found again, although this program may be killed (``kill -9``) at any
instant. What happens then, in the order of a script's life; "engine" is whoever calls
``SandboxLauncher.submit``, and does so again for a job whose remote job id it has not saved. File names are
those of the job's spool (``spool.py``), written by the launcher or by its supervisor (``shell/supervisor.sh``):

1. Before ``intent.json`` has its name: the job was never taken. The next start removes its directory; the
   engine submits again.
2. After that: the job is taken, with its local job id. The next start puts a batch script back in line; a
   FORK script waits for the engine to submit it again, or to ask for it. Nothing has run.
3. ``started`` written, supervisor not forked yet: as 2; the time is written again at the next attempt.
4. Supervisor forked, ``claim`` not made yet. It goes on without us, so the next start may find no claim and
   start a second one. Whichever makes the claim (``O_EXCL``) runs the script; the other ends without having
   run anything, and the launcher waits for the winner instead.
5. Claim made, its line not written yet: readers take a line without its end for none, and look again
   shortly. Were the supervisor itself killed there, the script has not run and never will: LOST.
6. Claim written, script not forked, or ``pid`` not written: the next start waits for the supervisor that the
   claim names, by process id, start time and boot, so that no other process is taken for it.
7. Script running: as 6. Time limits count from ``started``.
8. ``killed.json`` written, signals not or partly sent: the next start sends them. Where the kill came before
   any claim, the launcher makes the claim itself; then no supervisor ever runs the script.
9. Script ended, ``exit`` not written yet: the supervisor lives on and writes it.
10. ``exit`` written: the next start reads it. A claim of another boot without an exit: LOST.
11. In the middle of ``forget``: the intent is removed first, and a directory without one is removed by the
    next start. ``forgotten`` says so of a script that is still being killed.

With containers the same files do the same, as the spool is mounted into them; a container's name keeps it
single before there is a claim. The promise holds for the death of this program, of the Docker engine and of
a supervisor; a power cut may lose files that the system had not brought to disk yet.
"""
