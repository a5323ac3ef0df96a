"""Pages of systems and apps: what a user may see, found by an index whatever else is stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, asc, desc, or_, select, union_all

from emulator.domain.search import Condition, Operator, Page
from emulator.store.rows import Searchable, where

_NAMING = (Operator.EQ, Operator.LIKE, Operator.IN)


@dataclass(frozen=True, slots=True)
class Listing:
    """A table of things that are somebody's, may be public and may be shared.

    ``looked_up`` are the fields with an index of their own, by which a search for certain values finds its rows.
    """

    table: Table
    searchable: Searchable
    looked_up: frozenset[str]

    def documents(
        self,
        world: str,
        conditions: Iterable[Condition],
        page: Page,
        visible_to: str | None,
        granted: Select[Any],
    ) -> Select[Any]:
        """The documents of one page. ``granted`` selects the uuids shared with ``visible_to``; None sees all.

        Only the page's documents are read: ids are found and ordered first. Own, public and shared rows are
        looked for apart, each by an index in the page's order, since an OR of them would fetch and sort all.
        """
        wanted = list(conditions)
        columns = self.table.c
        by = self.searchable[page.order_by]
        assert isinstance(by, ColumnElement)
        matching: Any = select(columns.uuid.label("uuid"), by.label("place"))
        matching = matching.where(where(self.searchable, wanted))
        here = matching.where(columns.world == world)
        # the same, but not to be found by the indexes that begin with the world: they hold too much
        pinned = matching.where(columns.world + "" == world)
        own, public, shared = columns.owner == visible_to, columns.public, columns.uuid.in_(granted)
        named = any(self._names(condition) for condition in wanted)
        if visible_to is None:
            found = pinned if named else here
        elif named:
            found = pinned.where(or_(own, public, shared))
        else:
            found = union_all(here.where(own), here.where(public, ~own), pinned.where(shared, ~own, ~public))
        order = desc if page.descending else asc
        found = found.order_by(order("place"), order("uuid")).limit(page.limit).offset(page.offset)
        ids = select(found.subquery("page").c.uuid)
        return select(columns.document).where(columns.uuid.in_(ids)).order_by(order(by), order(columns.uuid))

    def _names(self, condition: Condition) -> bool:
        """Whether a condition says which values are meant, of a field that has an index for it."""
        if condition.field not in self.looked_up or condition.operator not in _NAMING:
            return False
        return not (condition.operator is Operator.LIKE and "*" in condition.value)
