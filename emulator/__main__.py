"""``python -m emulator`` is the command ``tapis-emulator``."""

from emulator.cli import main

main()
