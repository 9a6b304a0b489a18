"""Takes page furniture off a text by rules: markers, captions, embedded posts, promos, an aggregator's block.

The lines of a page are read once, from the top, onto a stack. A line that is furniture is left out; one that closes a
piece of furniture (`No comments yet`, the `- Outlet` of a related story, the signature of a post) takes lines off the
top of the stack with it. What is done with a line that stays depends on that line and on the stack below it alone, so
cleaning a clean text finds the same stack at every line and takes nothing: `clean` is idempotent, in one pass.
"""

from __future__ import annotations

import re
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from dedup import _validate
from dedup.boilerplate.credits import cuts, may_credit, without
from dedup.kernels.native import fill_cues
from dedup.model import Cleaned, Item, Span, SpanKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dedup.kernels.native import Texts

#: Every rule that removes something, and the kind of what it removes.
RULES: MappingProxyType[str, SpanKind] = MappingProxyType(
    {
        "date-marker": "metadata",
        "caption-line": "caption",
        "caption-inline": "caption",
        "credit": "credit",
        "embedded-post": "embed",
        "promo-line": "promo",
        "promo-block": "promo",
        "comments-block": "comments",
        "related-block": "related",
    }
)

_PROMO_HEADING = "Try Our AI Features"
_COMMENTS_HEADING = "Comments"
_NO_COMMENTS = "No comments yet"
_RELATED_HEADING = "Related Articles"

# How a promo line begins, in lower case, and words of which it must hold one; () when the beginning says enough.
_PROMOS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("click here for", ()),
    ("click here to", ()),
    ("download our app", ()),
    ("download the", (" app",)),
    ("follow us on", ()),
    ("like us on", ()),
    ("read more:", ()),
    ("related:", ()),
    ("sign up for our", ()),
    ("sign up to our", ()),
    ("sign up", ("alerts", "briefing", "email", "newsletter")),
    ("subscribe to our", ()),
    ("subscribe to", ("channel", "newsletter", "podcast", "youtube")),
)
_PROMO_LINES = 4  # how far above the comments the heading of the promo may stand
_PROMO_WORDS = 12
_LABEL_WORDS = 20
_LONGEST_LABEL = 120  # characters of a heading, a promo line or the name of an outlet
_POST_CHARACTERS = 350  # a post of 280 characters and its links; longer lines are prose with a post at the end
_NAME_CHARACTERS = 80

_DASHES = "\u2014\u2013-"  # em, en, hyphen; the last only where a line begins

_FIRST_WORDS = {start.split()[0].rstrip(":") for start, _ in _PROMOS}
_BLOCK_HEADINGS = (_PROMO_HEADING, _COMMENTS_HEADING, _NO_COMMENTS, _RELATED_HEADING)
_STARTS = sorted({*(w.capitalize() for w in _FIRST_WORDS), *(w.upper() for w in _FIRST_WORDS), *_BLOCK_HEADINGS})
# The look-ahead at one letter spares the search most of its alternatives.
_START = re.compile(f"(?=[{''.join(sorted({start[0] for start in _STARTS}))}])(?:{'|'.join(_STARTS)})")
_LINE_START = re.compile(f"\n[ \\t]*{_START.pattern}")

# For a batch of texts, in bytes: what a credit or a post has, and how a marker or a line above begins.
_MARKS = b"/@"
_CUES = tuple(start.encode() for start in ("date ", *_STARTS))

_MARKER = re.compile(r"date ([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\s+|$)")
_AGE = re.compile(
    r"just now|yesterday|(?:an?|[0-9]{1,3}) (?:sec|min|second|minute|hour|day|week|month|year)s? ago", re.IGNORECASE
)
_SIGNED = re.compile(r"\(@\w{1,30}\)[^()@\n]{1,30}[0-9]{4}")
_LINK = re.compile(r"(?:pic\.twitter\.com|//t\.co|//(?:www\.)?(?:twitter|x)\.com)/\S{1,100}$")


class _Line(NamedTuple):
    """A line that stays so far: characters `start` to `end`, newline included, and what it says once cut."""

    start: int
    end: int
    says: str


def clean(text: str) -> Cleaned:
    """Return `text` without its page furniture, with what was removed, the stories beside it and the metadata.

    A removed line takes its own newline with it and leaves the blank lines around it. The text of an item is as it
    stands on the page; `clean` it as well before you compare it. A text without furniture, or without anything,
    comes back as it is; so does a clean text.

    Args:
        text: The text of a page or an article.

    Raises:
        InvalidArgumentError: `text` is no str.
    """
    _validate.text("text", text)
    if not _may_hold_furniture(text):
        return Cleaned(text, text)
    page = _Page(text)
    spans = page.read()
    if not spans:
        return Cleaned(text, text)
    pieces = []
    position = 0
    for span in spans:
        pieces.append(text[position : span.start])
        position = span.end
    pieces.append(text[position:])
    return Cleaned(text, "".join(pieces), tuple(spans), tuple(page.items), page.metadata)


def fill_suspects(texts: Texts, start: int, stop: int, out: NDArray[np.uint8]) -> None:
    """Write to `out` which of many texts are worth a call of `clean` (1); the others come back as they are (0)."""
    fill_cues(texts, _MARKS, _CUES, start, stop, out)


def _may_hold_furniture(text: str) -> bool:
    """Tell quickly whether any rule could apply; most articles end here."""
    opening = text.lstrip()
    if opening.startswith("date ") or _START.match(opening) or _LINE_START.search(text):
        return True
    return ("@" in text and "(@" in text) or may_credit(text)


class _Page:
    """One reading of one page: the stack of lines that stay so far, and what was removed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.kept: list[_Line] = []
        self.spans: list[Span] = []
        self.items: list[Item] = []
        self.metadata: dict[str, str] = {}
        # The lines of the related story that is being read: outlet, age, headline, text; None outside of one.
        self.story: list[_Line] | None = None

    def read(self) -> list[Span]:
        """Read the page from top to bottom and return what was removed, in order."""
        start = 0
        for raw in self.text.split("\n"):
            end = start + len(raw) + 1
            says = raw.strip()
            if says and self.story is not None:
                self.read_story(self.story, _Line(start, end, says))
            elif len(says) > _LONGEST_LABEL and self.kept and "/" not in says and "@" not in says:
                self.kept.append(_Line(start, end, says))  # prose, which most lines are: no rule looks at it
            elif says:
                self.read_line(start, end, raw)
            elif self.story and len(self.story) > 2:
                self.close_story(self.story)
            start = end
        if self.story is not None:
            self.close_story(self.story)
        self.close_page()
        return self.spans

    def read_line(self, start: int, end: int, raw: str) -> None:
        """Read a line that is not blank: cut it, then remove it or put it on the stack."""
        says = raw.strip()
        origin = start + raw.find(says[0])
        begin = 0 if self.kept else self.read_markers(start, origin, says)
        if begin == len(says):
            self.remove(self.spans[-1].start, end, "date-marker")
            return
        if begin:
            start = origin + begin
        if "/" in says:
            found = cuts(says, begin)
            if found and found[0][:2] == (begin, len(says)):
                self.remove(start, end, found[0].rule)
                return
            for cut in found:
                self.remove(origin + cut.start, origin + cut.end, cut.rule)
            says = without(says, begin, found)
        elif begin:
            says = says[begin:]
        line = _Line(start, end, says.strip())
        if not (self.closes_post(line) or self.closes_block(line) or self.is_promo(line)):
            self.kept.append(line)

    def read_markers(self, start: int, origin: int, says: str) -> int:
        """Remove the date markers that open the page and return where the story begins in the line."""
        begin = 0
        while marker := _MARKER.match(says, begin):
            try:
                published = date.fromisoformat(marker[1]).isoformat()
            except ValueError:
                break
            self.metadata.setdefault("published", published)
            begin = marker.end()
        if begin:
            # The space above goes too when the page opens with nothing else.
            self.remove(start if self.spans else 0, origin + begin, "date-marker")
        return begin

    def remove(self, start: int, end: int, rule: str) -> None:
        """Remove characters `start` to `end`, with all that was removed of them before."""
        while self.spans and self.spans[-1].start >= start:
            self.spans.pop()
        end = min(end, len(self.text))  # the last line may have no newline
        self.spans.append(Span(start, end, RULES[rule], rule))

    def is_promo(self, line: _Line) -> bool:
        """Remove a line that only asks the reader to do something; tell whether it was one."""
        if len(line.says) > _LONGEST_LABEL or not _START.match(line.says) or len(line.says.split()) > _PROMO_WORDS:
            return False
        says = line.says.lower()
        for start, words in _PROMOS:
            if says.startswith(start) and (not words or any(word in says for word in words)):
                self.remove(line.start, line.end, "promo-line")
                return True
        return False

    def closes_post(self, line: _Line) -> bool:
        """Remove a post that ends with `— Name (@handle) May 12, 2025`; tell whether the line closes one."""
        at = line.says.rfind("(@")
        if at < 0 or not _SIGNED.fullmatch(line.says, at):
            return False
        start = line.start
        if line.says[0] in _DASHES and at <= _NAME_CHARACTERS:
            above = self.kept[-1] if self.kept else None
            if (
                above
                and len(above.says) <= _POST_CHARACTERS
                and (above.end == line.start or _LINK.search(above.says, max(0, len(above.says) - 150)))
            ):
                start = self.kept.pop().start
        else:
            dash = max(line.says.rfind(f" {dash}", 0, at) for dash in _DASHES[:2])
            if not 0 < dash <= _POST_CHARACTERS or at - dash > _NAME_CHARACTERS:
                return False
        self.remove(start, line.end, "embedded-post")
        return True

    def closes_block(self, line: _Line) -> bool:
        """Remove the comments, or open a related story, where the line ends their head; tell whether it does."""
        above = self.kept
        if above and above[-1].says == _COMMENTS_HEADING and line.says.rstrip(".… ") == _NO_COMMENTS:
            self.remove_block(len(above) - 1, line.end, "comments-block")
            return True
        if not _is_head(line, above):
            return False
        below = above[-3] if len(above) > 2 else None
        last = self.spans[-1] if self.spans else None
        story = above[-2:]
        # A story stands under the heading of the block or right behind another story.
        if below and below.says == _RELATED_HEADING:
            self.remove_block(len(above) - 3, line.end, "related-block")
        elif last and last.kind == "related" and not (below and below.start > last.start):
            del above[-2:]
            self.remove(last.start, line.end, "related-block")
        else:
            return False
        self.story = story
        return True

    def remove_block(self, index: int, end: int, rule: str) -> None:
        """Remove the lines from `index` of the stack on, and the promo right above them."""
        start = self.kept[index].start
        del self.kept[index:]
        for depth, line in enumerate(reversed(self.kept[-_PROMO_LINES:]), 1):
            if line.says == _PROMO_HEADING:
                del self.kept[-depth:]
                self.remove(line.start, start, "promo-block")
                break
            if not _is_label(line.says):
                break
        self.remove(start, end, rule)

    def read_story(self, story: list[_Line], line: _Line) -> None:
        """Add a line to the related story, or begin the next one when the line is the last of its head."""
        if len(story) > 3 and _is_head(line, story):
            self.close_story(story[:-2])
            self.story = story[-2:]
        else:
            story.append(line)
        self.remove(self.spans[-1].start, line.end, "related-block")

    def close_story(self, story: list[_Line]) -> None:
        """End the related story: outlet, age, headline, then its text; without a text it is no item."""
        self.story = None
        if len(story) > 3:
            outlet, age, title, first, last = *story[:4], story[-1]
            start = self.text.index(first.says, first.start)
            end = self.text.index(last.says, last.start) + len(last.says)
            self.items.append(Item(start, end, self.text[start:end], outlet.says, title.says, age.says))

    def close_page(self) -> None:
        """Remove a list of related headlines that runs to the end of the page."""
        first = None
        for index in range(len(self.kept) - 1, -1, -1):
            if not _is_label(self.kept[index].says):
                break
            if self.kept[index].says == _RELATED_HEADING:
                first = index
        if first is not None:
            self.remove_block(first, len(self.text), "related-block")


def _is_head(line: _Line, above: list[_Line]) -> bool:
    """Tell whether the line and the two above it are the head of a related story: outlet, age, `- Outlet`."""
    if len(above) < 2 or len(line.says) > _LONGEST_LABEL or not line.says.startswith("- "):
        return False
    return above[-2].says == line.says[2:].strip() and _AGE.fullmatch(above[-1].says) is not None


def _is_label(says: str) -> bool:
    """Tell whether a line is a heading or a headline rather than a sentence."""
    return (
        len(says) <= _LONGEST_LABEL and len(says.split()) <= _LABEL_WORDS and says[-1] not in ".!?…\"'\u201d\u2019»。"
    )
