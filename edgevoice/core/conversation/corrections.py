"""Corrections: what to report to the service after a cut, so that the model knows what was heard. Pure."""

from collections.abc import Sequence

from edgevoice.core.facts import ItemHeard
from edgevoice.core.orders import DeleteItem, ExtendItem, TruncateItem


def corrections(
    items: tuple[ItemHeard, ...], shortened: Sequence[str] = ()
) -> list[TruncateItem | DeleteItem | ExtendItem]:
    """Return the orders that report a cut to the service, so that the model knows what was heard.

    ``items`` holds the parts of an item in the order in which they are played. There is one order per item, however
    many parts it has: none if it had been heard to its end, a deletion if nothing of it was heard (some services refuse
    a truncation to 0 ms), else a truncation of the last part of which something was heard, never beyond what was
    received (services answer that with "already shorter than").

    ``shortened``: the items already corrected at an earlier cut, after which the answer was resumed. A service can
    remove more of them but cannot restore anything, so it is sent how much further they were heard.
    """
    parts_of: dict[str, list[ItemHeard]] = {}
    for part in items:
        parts_of.setdefault(part.item_id, []).append(part)
    orders: list[TruncateItem | DeleteItem | ExtendItem] = []
    orders += [ExtendItem(item_id) for item_id in shortened if item_id not in parts_of]
    for item_id, parts in parts_of.items():
        if item_id in shortened:
            orders.append(ExtendItem(item_id, sum(part.heard_ms for part in parts)))
            continue
        heard = [part for part in parts if part.heard_ms > 0]
        if not heard:
            orders.append(DeleteItem(item_id))
        elif not all(part.is_complete and part.heard_ms >= part.received_ms for part in parts):
            cut = heard[-1]
            orders.append(TruncateItem(item_id, cut.content_index, min(cut.heard_ms, cut.received_ms)))
    return orders
