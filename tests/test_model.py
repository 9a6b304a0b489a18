"""The records: what they take, and how they put a text together again."""

from __future__ import annotations

import math
import pickle
from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import Article, Cleaned, Cluster, InvalidArgumentError, Item, Span, clean
from dedup.model import timestamp
from strategies import pages


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"id": ""}, "id must be a str that is not empty. Got ''."),
        ({"id": 5}, "id must be a str. Got 5."),
        ({"text": None}, "text must be a str. Got None."),
        ({"text": b"x"}, "text must be a str. Got b'x'."),
        ({"source": 1}, "source must be a str. Got 1."),
        ({"published": 2025}, "published must be a str. Got 2025."),
        ({"title": ["x"]}, "title must be a str. Got ['x']."),
        ({"url": b""}, "url must be a str. Got b''."),
        ({"parent": 0}, "parent must be a str. Got 0."),
    ],
)
def test_field_of_another_type_is_named(fields: dict[str, object], message: str) -> None:
    """The error says the name, what is allowed and what came."""
    with pytest.raises(InvalidArgumentError) as caught:
        Article(**{"id": "a", "text": "x", **fields})  # type: ignore[arg-type]
    assert message == str(caught.value)


def test_article_needs_an_id_and_a_text_alone() -> None:
    """All else is absent, and an empty text is a text."""
    article = Article("a", "")
    assert [article.source, article.published, article.title, article.url, article.parent] == [None] * 5
    assert article.extra == {}
    with pytest.raises(FrozenInstanceError):
        article.text = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        (date(2025, 3, 1), "2025-03-01"),
        (datetime(2025, 3, 1, 8, 30, tzinfo=UTC), "2025-03-01T08:30:00+00:00"),
        ("last Monday", "last Monday"),
    ],
)
def test_dates_become_text(published: object, expected: str) -> None:
    """A date or datetime is turned into ISO 8601 text; a text that is no date stays as it is."""
    assert expected == Article("a", "x", published=published).published  # type: ignore[arg-type]


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-11, minutes=-30))])))
def test_timestamp_is_the_moment(moment: datetime) -> None:
    """The seconds are those of the moment, in whatever zone it is written."""
    assert moment.timestamp() == timestamp(moment.isoformat())
    assert moment.timestamp() == timestamp(f" {moment.isoformat()}\n")


@given(st.dates())
def test_date_is_its_first_moment(day: date) -> None:
    """A date counts from midnight UTC, and so does a time without a zone."""
    expected = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    assert expected == timestamp(day.isoformat()) == timestamp(f"{day.isoformat()}T00:00:00")


@pytest.mark.parametrize("published", [None, "", " ", "soon", "2025-02-30", "2025-13-01", "25-01-01", "\x00", "١٢٣"])
def test_what_is_no_date_is_never(published: str | None) -> None:
    """Absent and impossible dates are infinitely late."""
    assert math.inf == timestamp(published)


@given(st.text())
def test_any_text_has_a_timestamp(published: str) -> None:
    """Whatever stands where a date should, it is a number, and no other error."""
    assert not math.isnan(timestamp(published))


@given(st.text(max_size=30), st.lists(st.integers(0, 30), max_size=6, unique=True))
def test_restore_undoes_the_removal_of_any_spans(text: str, cuts: list[int]) -> None:
    """The original is put together again from the clean text and the spans, wherever they stand."""
    bounds = sorted(min(cut, len(text)) for cut in cuts)
    spans = [Span(start, end, "promo", "test") for start, end in zip(bounds[::2], bounds[1::2], strict=False)]
    kept = list(text)
    for span in reversed(spans):
        del kept[span.start : span.end]
    assert text == Cleaned(text, "".join(kept), tuple(spans)).restore()


@given(pages())
def test_records_survive_pickling(text: str) -> None:
    """Articles and cleaned pages come back equal from another process."""
    page = clean(text)
    article = Article("a", text, extra={"desk": "home"})
    assert (page, article) == pickle.loads(pickle.dumps((page, article)))


def test_size_counts_members() -> None:
    """A cluster is as large as it has members."""
    assert Cluster("a", ("a", "b"), (), None).size == 2
    assert (Item(0, 1, "x").source, Item(0, 1, "x").title, Item(0, 1, "x").age) == (None, None, None)
