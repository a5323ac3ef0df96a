"""Real components for the tests, for ``make demo`` and for hand use.

========================  ================================================================================
``clients``               tapis-cli and agavepy from PyPI, unmodified, in an environment of their own
``docker_engine``         a Docker engine: the machine's, or one installed and started for the run
``base_images``           busybox, Debian trixie and Python 3.11: local, pulled, or a stand-in made here
``cluster``               the product's cluster in a box: sshd and Slurm in a container, shared by all workers
``smtp_sink``             a mail server that keeps what it is sent
``webhook_sink``          an HTTP receiver that keeps what it is sent and answers as it is told
``sshd``                  a real sshd on a free port, with faults on demand
``shared_daemon``         one daemon process for all who ask, stopped when the last has gone
========================  ================================================================================

Each is also a command: ``python -m tests.real.<name> --help``. ``clients`` and ``docker_engine`` need nothing
but the standard library to be imported.
"""
