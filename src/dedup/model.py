"""The records that flow through the library: articles in, clean text and clusters out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal

from dedup import _validate
from dedup.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

Relation = Literal["exact", "duplicate", "version", "excerpt", "roundup", "template", "overlap"]

#: The relations, strongest first; a relation's code in Arrow tables and arrays is its place here.
RELATIONS: tuple[Relation, ...] = ("exact", "duplicate", "version", "excerpt", "roundup", "template", "overlap")
#: The relations that put two texts into one cluster.
LINKS: tuple[Relation, ...] = ("exact", "duplicate", "version", "excerpt")

EventKind = Literal["added", "removed", "expired", "split", "merged", "canonical_changed"]
Action = Literal["added", "replaced", "unchanged", "asked"]

EditKind = Literal["equal", "replace", "delete", "insert"]

AttributionRole = Literal["origin", "contributed", "photo"]

#: What a block of a page is. A `headline`, a `dateline` or a `byline` may stay in a clean text; the others but `body`
#: stand in it only where the classifier takes them for a part of the story.
BlockKind = Literal[
    "body", "headline", "dateline", "byline", "metadata", "caption", "credit", "embed", "promo", "related",
    "most_read", "comments", "share", "navigation", "cookie", "copyright", "advert", "correction",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Article:
    """One text and what is known of it.

    Args:
        id: The name of the document, unique within a batch and not empty.
        text: The text as it came; may be empty.
        source: The outlet that printed it.
        published: When, as ISO 8601 text; a `date` or `datetime` is turned into that. A text that is no date is
            kept as it is and counts as unknown.
        title: The headline.
        url: Where it was found.
        parent: The id of the page that carried the text, when it was an item of one.
        extra: Every other field, passed through untouched.

    Raises:
        InvalidArgumentError: `id` is empty, or a field is of another type.
    """

    id: str
    text: str
    source: str | None = None
    published: str | None = None
    title: str | None = None
    url: str | None = None
    parent: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)

    def __post_init__(self) -> None:
        # One test for the usual case: millions of these are made.
        if type(self.id) is not str or type(self.text) is not str or not self.id:
            self._refuse()
        if not (self.published is self.source is self.title is self.url is self.parent is None):
            self._check_optional()

    def _refuse(self) -> None:
        _validate.text("id", self.id)
        if not self.id:
            raise InvalidArgumentError("id must be a str that is not empty. Got ''.")
        _validate.text("text", self.text)

    def _check_optional(self) -> None:
        published: object = self.published
        if isinstance(published, date):
            object.__setattr__(self, "published", published.isoformat())
        for name in ("source", "published", "title", "url", "parent"):
            value = getattr(self, name)
            if value is not None:
                _validate.text(name, value)


#: No news was printed before: the first newspaper came out in 1605.
_FIRST_NEWS = datetime(1605, 1, 1, tzinfo=UTC).timestamp()
_DAY = 86400.0
_UNIX_DAY = date(1970, 1, 1).toordinal()
_UNKNOWN = (math.inf, math.inf)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: The zones that mail knows by name, in hours; any other name counts as no zone.
_ZONES = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
_MAIL_DATE = re.compile(
    r"(?:[a-z]{3}, ?)?(\d\d?) ([a-z]{3}) (\d{4}) (\d\d:\d\d(?::\d\d)?)(?: ([+-]\d{4}|[a-z]{1,5}))?",
    re.ASCII | re.IGNORECASE,
)


def moments(published: str | None) -> tuple[float, float]:
    """Return the first and the last moment that a date may mean, in seconds since 1970, UTC; infinity when unknown.

    A time, ISO 8601 or as in mail and feeds ("Sun, 22 Nov 2026 09:42:17 +0000"), is one moment; without a zone it is
    taken as UTC. A date alone is a day of UTC, to its last microsecond. Unknown is what is absent, no date, no day of
    the calendar, before the first newspaper, or the zero of a clock: the first moment of 1970 or that day alone.
    Whatever is unknown is later than everything known, so of two dates `a` and `b`, `a` is later for certain when
    `moments(b)[1] < moments(a)[0] < math.inf`.
    """
    if not published:
        return _UNKNOWN
    text = published.strip()
    try:
        if len(text) <= len("2025-05-12"):
            first = (date.fromisoformat(text).toordinal() - _UNIX_DAY) * _DAY
            last = first + _DAY - 1e-6
        else:
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                moment = _mail_date(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            first = last = moment.timestamp()
    except (ValueError, OverflowError):
        return _UNKNOWN
    return _UNKNOWN if first < _FIRST_NEWS or first == 0 else (first, last)


def _mail_date(text: str) -> datetime:
    """Return the time of RFC 2822 text, or of ISO 8601 text with "UTC" behind it, as databases write it.

    Raises:
        ValueError: It is neither.
    """
    match = _MAIL_DATE.fullmatch(text)
    if not match:
        return datetime.fromisoformat(text.removesuffix(" UTC"))
    day, month, year, time, zone = match.groups()
    number = _MONTHS.index(month.lower()) + 1
    if zone and zone[0] not in "+-":
        zone = f"{_ZONES.get(zone.lower(), 0):+03}00"
    return datetime.fromisoformat(f"{year}-{number:02}-{day:>02}T{time}{zone or ''}")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text that is not the story: characters `start` to `end` (half open) of the original text.

    Args:
        start: Where it begins.
        end: Where it ends.
        kind: What it is.
        rule: What says so: a sign such as "date-marker" or "related-story"; for lines that the classifier took out
            "cue" (a phrase of the lexicon), "extent" (below the heading of a list or box) or "shape"; or "template".
        confidence: How sure that is, in [0, 1].
        reason: For a template, in how many stories of its outlet it stands.
    """

    start: int
    end: int
    kind: BlockKind
    rule: str
    confidence: float = 1.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a page, characters `start` to `end` (half open): a line that is not blank, or a removed span."""

    start: int
    end: int
    kind: BlockKind
    confidence: float


@dataclass(frozen=True, slots=True)
class Item:
    """A story that a page carries beside its own: where it stands in the page and what the page says of it."""

    start: int
    end: int
    text: str
    source: str | None = None
    title: str | None = None
    age: str | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who wrote a text, as the text itself says: an agency or another outlet.

    Args:
        agency: The canonical name of the agency, or the outlet's name as the text has it.
        role: "origin" when the text is theirs, "contributed" when a part of it is, "photo" when a picture is.
        start: Where the text says so: characters `start` to `end` (half open) of the original text; nowhere, 0 to 0,
            when only the name of the outlet does.
        end: See `start`.
        confidence: How sure the rule that found it is, in [0, 1].
    """

    agency: str
    role: AttributionRole
    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text without its furniture.

    Args:
        original: The text as it came.
        text: The clean text: `original` without the removed spans, nothing else changed.
        removed: The removed spans, in order, never overlapping.
        items: The stories that the page carried beside its own, in order.
        metadata: What furniture told of the article, such as `published`.
        blocks: What each part of the original is, in order; empty in the result of a run.
        attribution: Who wrote it, as the text says; None when it says nothing or was not asked.
    """

    original: str
    text: str
    removed: tuple[Span, ...] = ()
    items: tuple[Item, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    blocks: tuple[Block, ...] = field(default=(), repr=False)
    attribution: Attribution | None = None

    def restore(self) -> str:
        """Return the original text, put together again from the clean text and the removed spans."""
        pieces: list[str] = []
        taken = position = 0
        for span in self.removed:
            kept = span.start - position
            pieces += (self.text[taken : taken + kept], self.original[span.start : span.end])
            taken += kept
            position = span.end
        pieces.append(self.text[taken:])
        return "".join(pieces)


@dataclass(frozen=True, slots=True)
class Drop:
    """A document that is left out, and why: how it stands to the canonical document of its cluster.

    Args:
        article: The dropped document.
        canonical: The id of the document that is kept in its place.
        relation: How the two stand to each other. With linkage "components" the two may be connected through other
            members only: then it may be `roundup` or `overlap`, or None, and the scores are not a number.
        jaccard: Exact Jaccard similarity of the two shingle sets, in [0, 1].
        containment: Share of the dropped document's shingles that the canonical has, in [0, 1].
        containment_canonical: Share of the canonical's shingles that the dropped document has, in [0, 1].
    """

    article: Article
    canonical: str
    relation: Relation | None
    jaccard: float
    containment: float
    containment_canonical: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """Documents that are one story text.

    Args:
        canonical: The id of the document to keep, the first of `members`.
        members: The ids: the canonical, then the others in keep order.
        sources: The outlets of the members, sorted, each once.
        first_published: The earliest publication among the members, as its document says it; None when unknown. A day
            without a time counts as later than the times of that day, as in keep order.
        cohesion_least: The least Jaccard similarity of another member to the canonical, in [0, 1]; 1 when there is
            none. An exact copy has 1; with linkage "components" only members that were compared with it count.
        cohesion_mean: The mean of the same.
        number: The number of the cluster in its index, which stays when another document becomes canonical; None in the
            result of a run. Clusters that differ in nothing else are equal.
    """

    canonical: str
    members: tuple[str, ...]
    sources: tuple[str, ...]
    first_published: str | None
    cohesion_least: float = 1.0
    cohesion_mean: float = 1.0
    number: int | None = field(default=None, compare=False)

    @property
    def size(self) -> int:
        """The number of members, at least 1."""
        return len(self.members)


@dataclass(frozen=True, slots=True)
class Match:
    """What an index says of an article that was added to it, or that it was asked about.

    Args:
        id: The id of the article.
        action: "added"; "replaced" when the id was there with another text; "unchanged" when it was there with the same
            text, so that nothing was done; "asked" by a query.
        cluster: The number of its cluster; None when it was asked about and belongs to none.
        canonical: The id of the cluster's document to keep; the article's own when it is that one.
        relation: How the article stands to the canonical document; None when it is that one.
        jaccard: Exact Jaccard similarity of the two shingle sets, in [0, 1]; 1 when it is the canonical document.
        containment: Share of the article's shingles that the canonical has, in [0, 1]; 1 as before.
        containment_canonical: Share of the canonical's shingles that the article has, in [0, 1]; 1 as before.
        is_new: Whether its story is new: it is the canonical document of a cluster that was not there before.
        previous: The id of the document that was canonical in its cluster before the call, when another one is now:
            this one, where `canonical` is its own id, or another of the call.
        items: The same of the stories that the page carried beside its own; none of a query.
    """

    id: str
    action: Action
    cluster: int | None
    canonical: str
    relation: Relation | None = None
    jaccard: float = 1.0
    containment: float = 1.0
    containment_canonical: float = 1.0
    is_new: bool = False
    previous: str | None = None
    items: tuple[Match, ...] = ()

    @property
    def canonical_changed(self) -> bool:
        """Whether another document of its cluster is canonical now than before."""
        return self.previous is not None


@dataclass(frozen=True, slots=True)
class Event:
    """A change of the clusters of an index; whoever follows all of them has the same clusters.

    - "added": the documents are in the cluster, which may be new.
    - "removed", "expired": the documents are gone; they were in the cluster.
    - "split": the documents left the cluster `other` for the cluster, which may be new.
    - "merged": all documents of the cluster `other`, which is no more, are in the cluster.
    - "canonical_changed": another document of the cluster is the one to keep.

    Args:
        kind: What happened.
        cluster: The number of the cluster that it happened to.
        canonical: The id of the document of the cluster to keep, after the change that the event is part of; None when
            the cluster is no more.
        documents: The ids of the documents that it is about; none for "merged" and "canonical_changed".
        other: The number of the other cluster, if any.
        position: Its place in the log: 1 for the first, larger for later ones.
    """

    kind: EventKind
    cluster: int
    canonical: str | None = None
    documents: tuple[str, ...] = ()
    other: int | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class Alarm:
    """A source of which a run drops a larger share than `KeepPolicy.alarm_share`.

    Args:
        source: The outlet, as its documents name it.
        documents: How many documents it has.
        dropped: How many of them are dropped.
        share: `dropped` of `documents`, in [0, 1].
    """

    source: str
    documents: int
    dropped: int
    share: float


@dataclass(frozen=True, slots=True)
class Passage:
    """Words in a row that two texts share, by characters of the original texts (half open).

    Where cleaning took something out of the middle, the stretch of the original goes over it.

    Args:
        left_start: Where it begins in the left text.
        left_end: Where it ends there.
        right_start: Where it begins in the right text.
        right_end: Where it ends there.
        words: Its tokens, at least one.
        moved: Whether it stands in another order than the others: those that are not moved are the sequence in one
            order that has the most words.
    """

    left_start: int
    left_end: int
    right_start: int
    right_end: int
    words: int
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """A step of the word diff that turns the left text into the right one; offsets as in `Passage`.

    It goes from its first word to its last: spaces and marks between two edits belong to neither.

    Args:
        kind: "equal", "replace", "delete" (only the left text has it) or "insert" (only the right one has it).
        left_start: Where it begins in the left text; for an "insert", where the word before ends, or 0.
        left_end: Where it ends there; `left_start` for an "insert".
        right_start: Where it begins in the right text; for a "delete", where the word before ends, or 0.
        right_end: Where it ends there; `right_start` for a "delete".
    """

    kind: EditKind
    left_start: int
    left_end: int
    right_start: int
    right_end: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a page that comes from another document: characters `start` to `end` (half open) of the original page.

    Args:
        start: Where it begins.
        end: Where it ends.
        document: The id of the document it comes from.
        words: Its tokens, with the few that differ between two passages of the document.
    """

    start: int
    end: int
    document: str
    words: int


@dataclass(frozen=True, slots=True)
class Cover:
    """Which stretch of a page comes from which document.

    Args:
        stretches: In order of the page, never overlapping.
        unexplained: Share of the tokens of the clean page that no stretch holds, in [0, 1].
    """

    stretches: tuple[Stretch, ...]
    unexplained: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two texts stand to each other.

    Args:
        relation: The relation that the link rule gives them; None when they are unrelated.
        jaccard: Exact Jaccard similarity of the two shingle sets, in [0, 1]; 0 when a text has no token.
        containment_left: Share of the left text's shingles that the right one has, in [0, 1].
        containment_right: Share of the right text's shingles that the left one has, in [0, 1].
        shared: How many different shingles both have.
        shingles_left: How many different shingles the left text has.
        shingles_right: How many different shingles the right text has.
        left: The left text without its furniture.
        right: The right text without its furniture.
        passages: What the two share, in order of the left text, none overlapping another on either side.
        edits: The word diff, in order: every token of both clean texts stands in one edit. Of a moved passage it says
            that one place lost it and another got it.
        bands: The bands of the plan, counted from 0, whose slots are equal in both signatures: any makes the pair a
            candidate.
    """

    relation: Relation | None
    jaccard: float
    containment_left: float
    containment_right: float
    shared: int
    shingles_left: int
    shingles_right: int
    left: Cleaned = field(repr=False)
    right: Cleaned = field(repr=False)
    passages: tuple[Passage, ...] = field(default=(), repr=False)
    edits: tuple[Edit, ...] = field(default=(), repr=False)
    bands: tuple[int, ...] = field(default=(), repr=False)

    @property
    def longest(self) -> Passage | None:
        """The passage of most words, the first of equals; None when nothing is shared."""
        return max(self.passages, key=lambda passage: passage.words, default=None)
