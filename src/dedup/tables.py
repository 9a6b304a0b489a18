"""Arrow tables of what was decided."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dedup.model import RELATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dedup.decide import Decision

_TEXT = pa.large_string()
#: What the column `later` says, by the side that is later: none, the right one, the left one.
_LATER = pa.array([None, "right", "left"], _TEXT)


def pairs_of(ids: pa.Array, decision: Decision, most: int) -> Iterator[pa.Table]:
    """Yield the related pairs as `Result.pairs` has them, at most so many rows at a time; at least one table.

    Args:
        ids: large_string [n], the ids of the documents.
        decision: What was decided on them.
        most: Rows of a table.
    """
    names = pa.array(RELATIONS, _TEXT)
    scores = ("jaccard", "containment_left", "containment_right")
    fields = [("left", _TEXT), ("right", _TEXT), ("relation", _TEXT), *((name, pa.float64()) for name in scores)]
    schema = pa.schema([*fields, ("later", _TEXT)])
    tables = (
        pa.Table.from_arrays(
            [
                ids.take(pa.array(part.left)),
                ids.take(pa.array(part.right)),
                names.take(pa.array(part.relation)),
                *map(pa.array, part.scores),
                _LATER.take(pa.array(part.later % np.int8(3))),
            ],
            schema=schema,
        )
        for part in decision.related(most)
    )
    return chain([schema.empty_table()], tables)
