"""A local emulator of the Tapis v2 (Agave/"Aloe") Jobs and Files APIs that really runs the jobs."""

__version__ = "0.1.0"
