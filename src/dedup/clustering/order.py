"""Keep order: which of several copies of a story is kept."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cmp_to_key, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from dedup.config import folded
from dedup.errors import InvalidArgumentError
from dedup.model import moments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pyarrow as pa
    from numpy.typing import NDArray

    from dedup.config import KeepPolicy
    from dedup.model import Article


_FLOAT, _BITS = struct.Struct(">d"), struct.Struct(">Q")


def moments_of(published: Iterable[str | None]) -> NDArray[np.float64]:
    """Return when each was published, float64 [n, 2]: the first and the last moment, see `model.moments`."""
    return np.array([_moments(date) for date in published], np.float64).reshape(-1, 2)


#: Of one crawl many have one date.
_moments = lru_cache(4096)(moments)


def keep_order(
    ids: Sequence[str] | pa.Array,
    sources: Sequence[str | None],
    policy: KeepPolicy,
    tokens: NDArray[np.uint32],
    published: NDArray[np.float64],
    wire_ranks: NDArray[np.uint8],
    values: list[Any] | None = None,
) -> NDArray[np.int64]:
    """Return the rows of documents, best to keep first, int64 [n].

    A total order: the key of the policy, then its rules in turn, then the smallest id. Dates compare by their last
    moment, so a day alone comes after the times of that day, and unknown ones last.

    Args:
        ids: Their ids, which are unique.
        sources: Who printed them.
        policy: What decides.
        tokens: uint32 [n], tokens of their clean texts.
        published: float64 [n, 2], of `moments_of`.
        wire_ranks: uint8 [n], how near each is to its wire, 0 nearest: see `boilerplate.wire_ranks`.
        values: What the key of the policy gave for each, of `values_of`; None where it has none.

    Raises:
        InvalidArgumentError: The values do not compare; the message names the article.
    """
    by_id = _by_id(ids)
    columns: list[NDArray[Any]] = []
    if values is not None:
        columns.append(_ranks([values[row] for row in by_id.tolist()], [ids[row] for row in by_id.tolist()]))
    for rule in policy.order:
        if rule == "sources":
            columns += [_source_ranks(sources, policy.sources)[by_id]] if policy.sources else []
        elif rule == "wire":
            columns.append(wire_ranks[by_id])
        elif rule == "published":
            columns.append(published[by_id, 1])
        else:
            columns.append(-tokens[by_id].astype(np.int64))
    # Stable, so that equal keys stay in the order of their ids.
    return by_id[np.lexsort(columns[::-1])] if columns else by_id


def _by_id(ids: Sequence[str] | pa.Array) -> NDArray[np.int64]:
    """Return the places of ids in ascending order; Arrow compares UTF-8, which orders as code points do."""
    if isinstance(ids, Sequence):
        return np.fromiter(sorted(range(len(ids)), key=ids.__getitem__), np.int64, len(ids))
    import pyarrow.compute as pc  # noqa: PLC0415 - loads on first use

    order: NDArray[np.int64] = pc.sort_indices(ids).to_numpy().astype(np.int64)
    return order


def ranker(policy: KeepPolicy) -> Callable[[Article, int, float, int], bytes]:
    """Return a function that gives bytes which compare as documents stand in keep order: the smaller is kept.

    It takes a document, the tokens of its clean text, the last moment when it may have been published (of
    `moments_of`) and how near it is to its wire. The key of a policy has no say.
    """
    rules = [rule for rule in policy.order if rule != "sources" or policy.sources]
    packed = struct.Struct(">" + "".join("Q" if rule == "published" else "I" for rule in rules)).pack
    places = {folded(source): place for place, source in enumerate(policy.sources)}

    def rank(article: Article, tokens: int, published: float, wire_rank: int) -> bytes:
        values = []
        for rule in rules:
            if rule == "sources":
                values.append(places.get(folded(article.source or ""), len(places)))
            elif rule == "wire":
                values.append(wire_rank)
            elif rule == "published":
                # The bits of a number ascend with it once those of negative ones are turned over.
                (bits,) = _BITS.unpack(_FLOAT.pack(published + 0.0))
                values.append(bits ^ (2**64 - 1 if bits >> 63 else 1 << 63))
            else:
                values.append(2**32 - 1 - tokens)
        return packed(*values) + article.id.encode("utf-8", "surrogatepass")

    return rank


def _source_ranks(sources: Sequence[str | None], best: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the place of each source in a list, int64; its length for what is not in it."""
    places = {folded(source): place for place, source in enumerate(best)}
    known: dict[str | None, int] = {None: len(best)}
    for source in sources:
        if source not in known:
            known[source] = places.get(folded(source or ""), len(best))
    return np.fromiter((known[source] for source in sources), np.int64, len(sources))


def values_of(articles: Sequence[Article], key: Callable[[Article], Any] | None) -> list[Any] | None:
    """Return what the key of a policy gives for each article; None without a key.

    Raises:
        InvalidArgumentError: The key fails, or gives what is unlike itself; the message names the first such id.
    """
    if key is None:
        return None
    values = {article.id: _value(article, key) for article in sorted(articles, key=lambda article: article.id)}
    return [values[article.id] for article in articles]


def _ranks(values: list[Any], names: Sequence[str]) -> NDArray[np.int64]:
    """Return the rank of each value of a key, 0 for the smallest; equal ones have one rank."""
    places = range(len(values))

    def compare(one: int, other: int) -> int:
        try:
            return -1 if values[one] < values[other] else 1 if values[other] < values[one] else 0
        except Exception as error:
            came = " beside ".join(f"{_shown(values[at])} of {str(names[at])!r}" for at in sorted((one, other)))
            raise _bad_key(came) from error

    try:
        order = sorted(places, key=values.__getitem__)
        steps = [bool(values[one] < values[other]) for one, other in pairwise(order)]
    except Exception:  # noqa: BLE001 - whatever a type of the caller's raises
        # The slow way, which knows the article.
        order = sorted(places, key=cmp_to_key(compare))
        steps = [compare(one, other) < 0 for one, other in pairwise(order)]
    ranks = np.zeros(len(values), np.int64)
    ranks[order[1:]] = np.cumsum(steps)
    return ranks


def _value(article: Article, key: Callable[[Article], Any]) -> Any:  # noqa: ANN401 - whatever the caller's key returns
    try:
        value = key(article)
    except Exception as error:
        came = f"It raised {_shown(error)} for {article.id!r}"
        raise InvalidArgumentError(f"key must return a value for each article. {came}.") from error
    try:
        unlike = bool(value != value)  # noqa: PLR0124 - what is not a number has no place in an order
    except Exception as error:
        raise _bad_key(f"{_shown(error)} of {article.id!r}") from error
    if unlike:
        raise _bad_key(f"{_shown(value)} of {article.id!r}")
    return value


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _bad_key(came: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"key must return values that compare with each other. Got {came}.")
