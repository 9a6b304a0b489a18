"""The records: what they take, and how they put a text together again."""

from __future__ import annotations

import math
import pickle
from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime, time, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import Article, Cleaned, Cluster, InvalidArgumentError, Item, Span, clean
from dedup.model import moments
from oracle import moments as obvious
from strategies import pages

NEVER = (math.inf, math.inf)
#: Zones that ISO 8601 and mail can both write.
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-11, minutes=-30)), timezone(timedelta(hours=14))])
#: Moments after the first newspaper, in any zone.
TIMES = st.datetimes(datetime(1605, 1, 2), timezones=ZONES).filter(datetime.timestamp)  # noqa: DTZ001 - Hypothesis adds the zone


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


@given(TIMES)
def test_time_is_one_moment(moment: datetime) -> None:
    """The first and the last moment of a time are that time, in whatever zone it is written."""
    seconds = moment.timestamp()
    assert (seconds, seconds) == moments(moment.isoformat()) == moments(f" {moment.isoformat(' ')}\n")
    assert (seconds, seconds) == moments(moment.astimezone(UTC).replace(tzinfo=None).isoformat())


@given(TIMES)
def test_time_of_mail_is_one_moment(moment: datetime) -> None:
    """Times as mail and feeds write them are read as Python's mail package does, which writes them here."""
    moment = moment.replace(microsecond=0)
    text = format_datetime(moment)
    assert (moment.timestamp(), moment.timestamp()) == moments(text) == moments(text.upper()) == moments(text[5:])


@given(st.dates(date(1605, 1, 1)).filter(lambda day: day != date(1970, 1, 1)))
def test_date_is_a_day_of_utc(day: date) -> None:
    """A date alone lasts from midnight to the end of its day, and no longer."""
    first, last = moments(day.isoformat())
    assert datetime.combine(day, time(), UTC).timestamp() == first
    assert datetime.combine(day, time.max, UTC).timestamp() == pytest.approx(last, abs=1e-4)
    assert moments(day.isoformat().replace("-", "")) == (first, last)
    assert moments(f"{day}T23:59:59")[1] < last


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Sun, 22 Nov 2026 09:42:17 GMT", "2026-11-22T09:42:17Z"),
        ("Sun, 22 Nov 2026 09:42:17 EST", "2026-11-22T09:42:17-05:00"),
        ("Sun, 22 Nov 2026 09:42:17 PDT", "2026-11-22T09:42:17-07:00"),
        ("Sun, 22 Nov 2026 09:42 +0530", "2026-11-22T09:42:00+05:30"),
        ("2 nov 2026 09:42:17", "2026-11-02T09:42:17"),
        # A zone that mail does not know counts as none.
        ("Sun, 22 Nov 2026 09:42:17 CET", "2026-11-22T09:42:17"),
        ("2026-11-22 09:42:17 UTC", "2026-11-22T09:42:17"),
        ("2026-11-22 09:42:17 +0100", "2026-11-22T09:42:17+01:00"),
        ("20261122T094217", "2026-11-22T09:42:17"),
    ],
)
def test_other_forms_of_a_time(text: str, same: str) -> None:
    """What feeds and databases write is the moment that its ISO 8601 form names."""
    assert moments(same) == moments(text)
    assert moments(text)[0] < math.inf


@pytest.mark.parametrize(
    "published",
    [
        None, "", " ", "soon", "2025-02-30", "2025-13-01", "25-01-01", "2025-03-01T25:00", "\x00", "\ud800", "١٢٣",
        "Sun, 30 Feb 2026 09:42:17 +0000", "Sun, 22 Nov 2026 25:00:00 GMT", "Sun, 22 Nov 2026 09:42:17 +9999",
        "Sun, 22 Nov 2026", "\u0661 Nov 2026 09:42:17 GMT", "2025-03-01T08:00\ud800", "x" * 100_000, "1" * 100_000,
        # Before the first newspaper; the zeros of several clocks.
        "0001-01-01", "0001-01-01T00:00:00+14:00", "1604-12-31", "1601-01-01T00:00:00Z", "1970-01-01", "19700101",
        "1970-01-01T00:00", "1970-01-01T00:00:00Z", "1970-01-01T01:00:00+01:00", "Thu, 01 Jan 1970 00:00:00 GMT",
    ],
)  # fmt: skip
def test_what_is_no_date_is_never(published: str | None) -> None:
    """Absent, impossible and empty dates are infinitely late."""
    assert moments(published) == NEVER


@pytest.mark.parametrize("published", ["1605-01-01", "1969-12-31", "1970-01-01T00:00:01Z", "1970-01-02", "9999-12-31"])
def test_dates_beside_the_impossible_ones_are_known(published: str) -> None:
    """The first day of newspapers, the seconds around the zero of clocks and the last day are dates."""
    first, last = moments(published)
    assert first <= last < math.inf


@given(st.one_of(st.text(), st.text("0123456789-:+TZW. ", max_size=30)))
def test_any_text_has_its_moments(published: str) -> None:
    """Whatever stands where a date should, it is an interval or unknown, as the slow definition says, and no error."""
    first, last = moments(published)
    assert first <= last
    assert (first < math.inf) == (last < math.inf)
    assert first in (math.inf, obvious(published)[0])


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
    assert Cluster("a", ("a",), (), None) == Cluster("a", ("a",), (), None, cohesion_least=1.0, cohesion_mean=1.0)
    assert (Item(0, 1, "x").source, Item(0, 1, "x").title, Item(0, 1, "x").age) == (None, None, None)
