"""Measurements beside a floor of the same run; ``python -m benchmarks`` prints them, nothing is asserted.

Each module has a ``run(quick) -> Table``. ``quick`` measures fewer rounds and smaller amounts, to see that a
benchmark works; its figures say little.
"""
