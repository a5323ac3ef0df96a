"""The store: tables, repositories and transactions. SQL lives here and nowhere else."""

from emulator.store.database import SchemaMismatch, Store, Transaction
from emulator.store.jobs import JobSummary

__all__ = ["JobSummary", "SchemaMismatch", "Store", "Transaction"]
