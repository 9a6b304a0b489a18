"""Keep order: which of several copies of a story is kept."""

from __future__ import annotations

import struct
from functools import cmp_to_key
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from dedup.config import folded
from dedup.errors import InvalidArgumentError
from dedup.model import moments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dedup.config import KeepPolicy
    from dedup.model import Article


_FLOAT, _BITS = struct.Struct(">d"), struct.Struct(">Q")


def moments_of(articles: Sequence[Article]) -> NDArray[np.float64]:
    """Return when each was published, float64 [n, 2]: the first and the last moment, see `model.moments`."""
    found = np.full((len(articles), 2), np.inf)
    dated = [row for row, article in enumerate(articles) if article.published]
    if dated:
        found[dated] = [moments(articles[row].published) for row in dated]
    return found


def keep_order(
    articles: Sequence[Article],
    policy: KeepPolicy,
    tokens: NDArray[np.uint32],
    published: NDArray[np.float64],
    wire_ranks: Sequence[int],
) -> NDArray[np.int64]:
    """Return the rows of the articles, best to keep first, int64 [n].

    A total order: the key of the policy, then its rules in turn, then the smallest id. Dates compare by their last
    moment, so a day alone comes after the times of that day, and unknown ones last.

    Args:
        articles: The documents; their ids are unique.
        policy: What decides.
        tokens: uint32 [n], tokens of their clean texts.
        published: float64 [n, 2], of `moments_of`.
        wire_ranks: How near each is to its wire, 0 nearest: see `boilerplate.wire_rank`.

    Raises:
        InvalidArgumentError: The key of the policy fails, or its values do not compare; the message names the article.
    """
    ids = [article.id for article in articles]
    by_id = np.fromiter(sorted(range(len(ids)), key=ids.__getitem__), np.int64, len(ids))
    columns: list[NDArray[Any]] = []
    if policy.key is not None:
        columns.append(_ranks([articles[row] for row in by_id.tolist()], policy.key))
    for rule in policy.order:
        if rule == "sources":
            columns += [_source_ranks(articles, policy.sources)[by_id]] if policy.sources else []
        elif rule == "wire":
            columns.append(np.array(wire_ranks, np.float64)[by_id])
        elif rule == "published":
            columns.append(published[by_id, 1])
        else:
            columns.append(-tokens[by_id].astype(np.float64))
    # Stable, so that equal keys stay in the order of their ids.
    return by_id[np.lexsort(columns[::-1])] if columns else by_id


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


def _source_ranks(articles: Sequence[Article], sources: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the place of each article's source in the list; its length for what is not in it."""
    places = {folded(source): place for place, source in enumerate(sources)}
    known: dict[str | None, int] = {None: len(sources)}
    for article in articles:
        if article.source not in known:
            known[article.source] = places.get(folded(article.source or ""), len(sources))
    return np.fromiter((known[article.source] for article in articles), np.int64, len(articles))


def _ranks(articles: Sequence[Article], key: Callable[[Article], Any]) -> NDArray[np.int64]:
    """Return the rank of each value of a key, 0 for the smallest; equal ones have one rank."""
    values = [_value(article, key) for article in articles]
    places = range(len(values))

    def compare(one: int, other: int) -> int:
        try:
            return -1 if values[one] < values[other] else 1 if values[other] < values[one] else 0
        except Exception as error:
            came = " beside ".join(f"{_shown(values[at])} of {articles[at].id!r}" for at in sorted((one, other)))
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
