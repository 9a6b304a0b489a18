"""Furniture that shows itself by repetition: learned per outlet, told from what many outlets print of one story."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from dedup import formats
from dedup.boilerplate.classify import lines_in, read_blocks
from dedup.boilerplate.page import attribution_of, clean_page, clean_pages, suspects, template_spans, without
from dedup.boilerplate.sightings import KEPT, STRONG, WEAK, Sightings, Template
from dedup.clustering.clusters import cluster
from dedup.config import configure
from dedup.errors import InvalidArgumentError, SchemeMismatch
from dedup.kernels import native
from dedup.kernels.blocks import locate
from dedup.kernels.parallel import Pool, chunks
from dedup.kernels.sketches import Scheme
from dedup.matching.candidates import among
from dedup.matching.verify import Pairs, verify
from dedup.model import Article, Cleaned
from dedup.scratch import Memory, Strings
from dedup.stages import CHUNK_TOKENS, Marks, cut_of, match_alike, merge_equal, sketch_chunk

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Unpack

    from numpy.typing import NDArray

    from dedup.boilerplate.classify import Line
    from dedup.config import Config, Settings
    from dedup.kernels.blocks import Blocks
    from dedup.matching.candidates import Candidates
    from dedup.scratch import Scratch
    from dedup.stages import Marked

#: The points from which on a block is furniture: three stories that are longer than what repeats, or nine shorter ones.
LEAST_POINTS = 9
#: The same where the outlet is unknown; only stories that are longer count there.
LEAST_POINTS_UNKNOWN = 15

#: How many stories a block must stand in for each outlet that has it.
STORIES_PER_OUTLET = 2

#: The least words of a block; shorter ones say nothing, and matter to nobody.
LEAST_WORDS = 3
#: How many documents of one outlet must have a block before anybody looks at their stories.
LEAST_DOCUMENTS = 3
#: How many words around the repeated blocks a story needs to be told from another.
LEAST_REST = 20

_PART = 1 << 20  # blocks that are looked up at a time
_FIRST_BITS = 20  # bits of a fingerprint that are looked at before the others
_TEXTS = 1 << 17  # texts whose blocks are summed at a time


#: Takes numbers of texts and returns these.
TakeStrings = Callable[["NDArray[np.int64]"], "list[str]"]
#: Outlet and fingerprint of a block -> a text of it, of several the first in the order of strings.
Examples: TypeAlias = dict[tuple[str, int], str]


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """The blocks of some texts, by what they say: those of text i are `firsts[i]` to `firsts[i + 1]`.

    Args:
        firsts: int64 [n + 1].
        fingerprints: uint64.
        words: int32.
        cues: uint32.
    """

    firsts: NDArray[np.int64]
    fingerprints: NDArray[np.uint64]
    words: NDArray[np.int32]
    cues: NDArray[np.uint32]

    @classmethod
    def of(cls, blocks: Blocks) -> Self:
        """Return the blocks that were read of some texts."""
        return cls(blocks.firsts, blocks.fingerprints, blocks.words, blocks.cues)

    @classmethod
    def join(cls, parts: Sequence[Prints]) -> Self:
        """Return the blocks of several batches of texts as those of one."""
        counts = [np.diff(part.firsts) for part in parts]
        return cls(
            np.cumsum(np.concatenate([np.zeros(1, np.int64), *counts])),
            np.concatenate([np.empty(0, np.uint64), *(part.fingerprints for part in parts)]),
            np.concatenate([np.empty(0, np.int32), *(part.words for part in parts)]),
            np.concatenate([np.empty(0, np.uint32), *(part.cues for part in parts)]),
        )

    @classmethod
    def of_lines(cls, pages: Sequence[Sequence[Line]]) -> Self:
        """Return the blocks of pages."""
        lines = [line for page in pages for line in page]
        return cls(
            np.cumsum([0, *map(len, pages)]),
            np.array([line.fingerprint for line in lines], np.uint64),
            np.array([line.words for line in lines], np.int32),
            np.array([line.cues for line in lines], np.uint32),
        )

    def text_of(self, blocks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the text of each of some blocks, int64."""
        return np.searchsorted(self.firsts, blocks, side="right") - 1

    def places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where the blocks of some of the texts are, int64, text by text."""
        counts = np.diff(self.firsts)[rows]
        firsts = np.concatenate([[0], np.cumsum(counts)])
        places: NDArray[np.int64] = np.arange(firsts[-1]) + np.repeat(self.firsts[rows] - firsts[:-1], counts)
        return places

    def take(self, rows: NDArray[np.int64]) -> Prints:
        """Return the blocks of some of the texts, in the order asked for."""
        places = self.places(rows)
        firsts = np.concatenate([[0], np.cumsum(np.diff(self.firsts)[rows])])
        return Prints(firsts, self.fingerprints[places], self.words[places], self.cues[places])

    def replace(self, pages: Mapping[int, Sequence[Line]]) -> Prints:
        """Return these blocks with others for some of the texts."""
        if not pages:
            return self
        n = len(self.firsts) - 1
        order = np.arange(n)
        order[list(pages)] = n + np.arange(len(pages))
        return Prints.join([self, Prints.of_lines(list(pages.values()))]).take(order)

    def per_text(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """Return the sum over the blocks of each text."""
        total = np.empty(len(self.firsts) - 1, np.int64)
        # Some texts at a time: there are many times as many blocks as texts.
        for start in range(0, len(total), _TEXTS):
            firsts = self.firsts[start : start + _TEXTS + 1]
            sums = np.concatenate([[0], np.cumsum(values[firsts[0] : firsts[-1]], dtype=np.int64)])
            total[start : start + _TEXTS] = np.diff(sums[firsts - firsts[0]])
        return total


def outlet_of(source: str | None) -> str:
    """Return the name of an outlet, spaces aside; "" when it is unknown."""
    return " ".join((source or "").split())


def outlet_numbers(sources: Iterable[str | None]) -> NDArray[np.int64]:
    """Return a number for the outlet of each source, int64; -1 where it is unknown."""
    known = {"": -1}
    return np.array([known.setdefault(outlet_of(source), len(known)) for source in sources], np.int64)


def clean_texts(strings: Sequence[str], texts: native.Texts) -> tuple[dict[int, Cleaned], Prints]:
    """Take the furniture of single pages off a batch: row -> page where there was any, and the blocks that are left."""
    blocks = read_blocks(texts)
    rows = suspects(strings, texts, blocks)
    pages: dict[int, Cleaned] = {}
    left: dict[int, list[Line]] = {}
    cleaned = clean_pages([strings[row] for row in rows], lines_in(texts, blocks, rows))
    for row, (page, lines) in zip(rows, cleaned, strict=True):
        if page.removed:
            pages[row], left[row] = page, lines
    return pages, Prints.of(blocks).replace(left)


def learn(
    outlets: Sequence[str],
    take: TakeStrings,
    prints: Prints,
    known: Sightings,
    config: Config,
    scratch: Scratch,
    *,
    all_blocks: bool,
    lasting: bool,
) -> None:
    """Add to `known` which blocks of some clean texts were seen in which stories.

    Args:
        outlets: The outlet of each text, "" when unknown.
        take: Gives some of the clean texts.
        prints: Their blocks.
        known: What earlier texts have shown.
        config: How stories are told apart.
        scratch: Where the texts without the blocks that repeat are meanwhile.
        all_blocks: Whether blocks that did not repeat yet are noted as well, since more texts will come.
        lasting: Whether stories have names that other batches would give them too.
    """
    names, outlet = _numbered(outlets)
    repeated = _repeated(names, outlet, prints, known)
    rest = prints.per_text(np.where(repeated, 0, prints.words))
    inside = prints.per_text(np.where(repeated, prints.words, 0))
    told = (rest >= LEAST_REST) & ((inside > 0) | all_blocks)
    # Where nobody knows the outlet, a longer text around a block is needed to tell furniture from syndication.
    if "" in names:
        told &= (outlet != names.index("")) | (rest >= inside)
    if len(known):
        told &= _is_new(names, outlet, prints, repeated, known)
    rows = np.flatnonzero(told)
    if not len(rows):
        return
    stories = np.zeros(len(outlets), np.uint64)

    def rests(part: range) -> list[str]:
        chosen = rows[part.start : part.stop]
        return without_repeated(take(chosen), repeated[prints.places(chosen)])

    stories[rows] = _stories(rests, (rest + inside)[rows], config, scratch, lasting=lasting)
    noted = np.flatnonzero(_may_repeat(prints) if all_blocks else repeated)
    noted = noted[told[prints.text_of(noted)]]
    text = prints.text_of(noted)
    # A block that did not repeat yet is weighed as if it did: against what stands around it.
    own = np.where(repeated[noted], 0, prints.words[noted])
    strong = rest[text] - own >= inside[text] + own
    known.add(names, outlet[text], prints.fingerprints[noted], stories[text], strong)


def furniture(outlets: Sequence[str], prints: Prints, known: Sightings) -> NDArray[np.int64]:
    """Return in how many stories of its outlet each block stands that is furniture, int64; 0 for one that is none.

    Of a text of which next to nothing else is there no block is furniture.
    """
    names, outlet = _numbered(outlets)
    found = np.zeros(len(prints.fingerprints), np.int64)
    rows = _blocks(prints, known.folded().by_fingerprint[0])
    of_outlet = outlet[prints.text_of(rows)]
    points, own, least = (np.zeros(len(rows), np.int64) for _ in range(3))
    for place, mine in _by_outlet(of_outlet, np.arange(len(rows))):
        fingerprints = prints.fingerprints[rows[mine]]
        points[mine], own[mine] = known.points(names[place], fingerprints), known.stories(names[place], fingerprints)
        least[mine] = LEAST_POINTS if names[place] else LEAST_POINTS_UNKNOWN
    at, stories = known.spread(prints.fingerprints[rows])
    at = np.maximum(at, _how_many(of_outlet, prints.fingerprints[rows]))
    found[rows] = np.where(qualifies(points, own, least, at, stories), own, 0)
    left = prints.per_text(np.where(found, 0, prints.words))
    some = np.flatnonzero(found)
    found[some[left[prints.text_of(some)] < LEAST_REST]] = 0
    return found


def qualifies(
    points: NDArray[np.int64],
    own: NDArray[np.int64],
    least: NDArray[np.int64],
    at: NDArray[np.int64],
    stories: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Return which blocks of outlets are furniture.

    What many outlets print in few stories is syndication, whatever one of them has made of it; and where another outlet
    prints it too, stories that are shorter than what repeats say nothing, for they may be versions of one reprint.

    Args:
        points: int64 [n], of `Sightings.points`.
        own: int64 [n], in how many stories of the outlet each stands.
        least: int64 [n], the points that are asked for.
        at: int64 [n], at how many outlets it stands at all.
        stories: int64 [n], in how many stories, summed over these.
    """
    strong = (points - WEAK * own) // (STRONG - WEAK)
    enough = np.where(at > 1, STRONG * strong, points) >= least
    return enough & (stories >= STORIES_PER_OUTLET * at)


def cut(
    pages: Sequence[Cleaned],
    outlets: Sequence[str],
    prints: Prints,
    stories: NDArray[np.int64],
) -> tuple[list[Cleaned], Examples]:
    """Return cleaned pages without those of their blocks that are furniture, the counts as the reason, and examples.

    Args:
        pages: The pages.
        outlets: The outlet of each, "" when unknown.
        prints: The blocks of their clean texts.
        stories: What `furniture` says of these.
    """
    examples: Examples = {}
    _, starts, ends = locate(native.Texts.from_strings([page.text for page in pages]))
    gone = np.flatnonzero(stories)
    text_of = prints.text_of(gone)
    columns = prints.fingerprints[gone], starts[gone], ends[gone], prints.cues[gone], stories[gone]
    blocks = list(zip(*(column.tolist() for column in columns), strict=True))
    shorter = list(pages)
    first = np.searchsorted(text_of, np.arange(len(pages) + 1)).tolist()
    for row in np.unique(text_of).tolist():
        page, outlet = pages[row], outlets[row]
        lines = []
        for fingerprint, start, end, cues, count in blocks[first[row] : first[row + 1]]:
            lines.append((start, end, cues, _reason(count, outlet)))
            says = page.text[start:end]
            examples[outlet, fingerprint] = min(examples.get((outlet, fingerprint), says), says)
        shorter[row] = without(page, template_spans(page.text, lines))
    return shorter, examples


def remember(known: Sightings, parts: Iterable[Examples]) -> None:
    """Keep an example of each block, as `Sightings.remember` does."""
    examples: Examples = {}
    for part in parts:
        for block, says in part.items():
            examples[block] = min(examples.get(block, says), says)
    for (outlet, fingerprint), says in examples.items():
        known.remember(outlet, fingerprint, says)


def _reason(stories: int, outlet: str) -> str:
    return f"in {'at least ' if stories >= KEPT else ''}{stories} stories of {outlet or 'an unknown outlet'}"


def _numbered(outlets: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the different names and the place of each."""
    names = list(dict.fromkeys(outlets))
    places = {name: place for place, name in enumerate(names)}
    return names, np.fromiter(map(places.__getitem__, outlets), np.int64, len(outlets))


def _how_many(members: NDArray[np.int64], *keys: NDArray[Any]) -> NDArray[np.int64]:
    """Return for each row how many different members the rows with the same keys have, int64."""
    order = np.lexsort((members, *keys))
    new = np.ones(len(order), np.bool_)
    new[1:] = np.any([key[order[1:]] != key[order[:-1]] for key in keys], axis=0)
    group = np.cumsum(new) - 1
    new[1:] |= members[order[1:]] != members[order[:-1]]
    counts = np.empty(len(order), np.int64)
    counts[order] = np.bincount(group, new).astype(np.int64)[group]
    return counts


def _by_outlet(outlets: NDArray[np.int64], rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield each outlet with those of `rows` that are its own."""
    order = np.argsort(outlets, kind="stable")
    starts = np.flatnonzero(np.diff(outlets[order], prepend=-1))
    for part in np.split(order, starts[1:]) if len(order) else ():
        yield int(outlets[part[0]]), rows[part]


def _repeated(names: list[str], outlet: NDArray[np.int64], prints: Prints, known: Sightings) -> NDArray[np.bool_]:
    """Return which blocks stand in several texts of their outlet, of these or of those that are known."""
    rows = np.flatnonzero(_may_repeat(prints)) if len(known) else _blocks(prints, _often(prints))
    text = prints.text_of(rows)
    counts = _how_many(text, prints.fingerprints[rows], outlet[text])
    if len(known):
        for place, mine in _by_outlet(outlet[text], np.arange(len(rows))):
            counts[mine] += known.stories(names[place], prints.fingerprints[rows[mine]])
    repeated = np.zeros(len(prints.fingerprints), np.bool_)
    repeated[rows] = counts >= LEAST_DOCUMENTS
    return repeated


def _is_new(
    names: list[str], outlet: NDArray[np.int64], prints: Prints, repeated: NDArray[np.bool_], known: Sightings
) -> NDArray[np.bool_]:
    """Return which texts have more beside what repeats than one story that is known."""
    rows = np.flatnonzero(_may_repeat(prints) & ~repeated)
    text, stories = prints.text_of(rows), np.zeros(len(rows), np.uint64)
    for place, mine in _by_outlet(outlet[text], np.arange(len(rows))):
        stories[mine] = known.only_story(names[place], prints.fingerprints[rows[mine]])
    return is_new(text, stories, len(outlet))


def is_new(text: NDArray[np.int64], stories: NDArray[np.uint64], texts: int) -> NDArray[np.bool_]:
    """Return which texts have a block of no known story, or blocks of two: bool [texts].

    A text that was learned from has neither. Beside the blocks that have come to repeat since, it would be named anew,
    and count as another story.

    Args:
        text: int64 [n], the text of each block that may repeat and does not, ascending.
        stories: uint64 [n], of `Sightings.only_story`.
        texts: How many texts there are.
    """
    new = np.zeros(texts, np.bool_)
    if len(text):
        firsts = np.flatnonzero(np.concatenate([[True], text[1:] != text[:-1]]))
        least, most = np.minimum.reduceat(stories, firsts), np.maximum.reduceat(stories, firsts)
        new[text[firsts]] = (least == 0) | (least != most)
    return new


def _blocks(prints: Prints, fingerprints: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return which blocks say enough to be furniture and have one of some fingerprints, int64; both ascend."""
    rows = [np.empty(0, np.int64)]
    # Most blocks are none of these, and their first bits say so at a tenth of the price of a search.
    may_be = np.zeros(1 << _FIRST_BITS, np.bool_)
    shift = np.uint64(64 - _FIRST_BITS)
    may_be[fingerprints >> shift] = True
    # A part at a time: there are many.
    for start in range(0, len(prints.fingerprints), _PART):
        part = slice(start, start + _PART)
        some = start + np.flatnonzero(may_be[prints.fingerprints[part] >> shift] & _may_repeat(prints, part))
        rows.append(some[among(fingerprints, prints.fingerprints[some])])
    return np.concatenate(rows)


def _often(prints: Prints) -> NDArray[np.uint64]:
    """Return the fingerprints that stand in `LEAST_DOCUMENTS` places or more, ascending."""
    often = [np.empty(0, np.uint64)]
    parts = 1 + len(prints.fingerprints) // (16 * _PART)
    for part in range(parts):
        values = np.concatenate(
            [
                some[some % np.uint64(parts) == part]
                for start in range(0, len(prints.fingerprints), _PART)
                for some in [
                    prints.fingerprints[start : start + _PART][_may_repeat(prints, slice(start, start + _PART))]
                ]
            ]
            or [often[0]]
        )
        ordered = np.sort(values)
        last = ordered[LEAST_DOCUMENTS - 1 :]
        often.append(np.unique(last[last == ordered[: len(last)]]))
    return np.sort(np.concatenate(often))


def without_repeated(texts: list[str], repeated: NDArray[np.bool_]) -> list[str]:
    """Return texts without their repeated blocks."""
    firsts, starts, ends = locate(native.Texts.from_strings(texts))
    rests = []
    for row, text in enumerate(texts):
        part = slice(firsts[row], firsts[row + 1])
        if repeated[part].any():
            kept = np.flatnonzero(~repeated[part]) + firsts[row]
            text = "\n".join(map(text.__getitem__, map(slice, starts[kept].tolist(), ends[kept].tolist())))  # noqa: PLW2901
        rests.append(text)
    return rests


def _may_repeat(prints: Prints, part: slice = slice(None)) -> NDArray[np.bool_]:
    """Return which blocks, of a part of them, say enough to be furniture."""
    enough: NDArray[np.bool_] = (prints.words[part] >= LEAST_WORDS) & (prints.fingerprints[part] != 0)
    return enough


def _stories(
    take: Callable[[range], list[str]],
    words: NDArray[np.int64],
    config: Config,
    scratch: Scratch,
    *,
    lasting: bool,
) -> NDArray[np.uint64]:
    """Return a name for the story of each text, uint64: the least name among the texts that are linked with it.

    The name of one text is its digest; or, `lasting` over batches, the first slot of its signature, which a version of
    the story has too with the probability that is their similarity (Broder 1997).
    """
    store, marks = scratch.texts("rest"), Marks(scratch, "rest", cut_of(config))
    first_slots = scratch.column("rest.slot", np.uint32)

    def read(part: range) -> tuple[list[str], native.Texts, Marked]:
        strings = take(part)
        texts = native.Texts.from_strings(strings)
        return strings, texts, sketch_chunk(texts, config, sampled=False)

    with Pool(config.threads) as pool:
        for strings, texts, marked in pool.map(read, chunks(words, CHUNK_TOKENS)):
            store.append(strings, texts)
            marks.append(*marked)
            first_slots.append(marked.sketches.signatures[:, 0])
        tokens, digests, shingles = marks.tokens.read(), marks.digests.read(), marks.shingles.read()
        group = merge_equal(store.take, digests, tokens, pool)
        rows = np.flatnonzero((group == np.arange(len(group))) & (tokens > 0))
        rows = rows[np.argsort(digests[rows], kind="stable")]
        room = shingles[rows]

        def compare(candidates: Candidates) -> Pairs:
            return verify(lambda places: store.take(rows[places]), room, candidates, config, pool, lambda _: None)

        _, pairs = match_alike(marks.bands, rows, compare, config, pool, None)
    links = pairs.links
    canonical = cluster(len(rows), links.left, links.right, links.jaccard, "components")
    names = first_slots.read().astype(np.uint64) if lasting else np.array(digests)
    least = names.copy()
    np.minimum.at(least, rows[canonical], names[rows])
    names[rows] = least[rows[canonical]]
    return names[group]


class Templates:
    """Furniture learned per outlet: blocks that stand in many different stories of one outlet.

    A block that stands in one story at many outlets is syndication and stays. What is the same story is told by the
    texts without the blocks that repeat. Where the source of a text is unknown all such texts count as one outlet:
    that is weaker, so more stories are asked for, and only texts that are longer than what repeats in them count.

    By structure alone nine versions of one story at one outlet, each with a new lead and one body that is longer, equal
    nine briefs above one long house block: their body is taken for furniture, unless other outlets print it too. So is
    the paragraph of background that an outlet repeats in three stories. Counts are exact up to 32 stories and
    approximate on endless streams: see `Sightings`. A text that was learned from teaches nothing when it comes again. A
    version of a story that comes in a later batch counts as the same story with the probability that is its similarity.

    Args:
        limit: How many sightings, different stories summed over all blocks, are kept at most; about 40 bytes each.
        **settings: The fields of `Config` by which stories are told apart.

    Raises:
        InvalidArgumentError: A setting is outside what is allowed.
    """

    def __init__(self, limit: int = 4_000_000, **settings: Unpack[Settings]) -> None:
        self.config = configure(settings)
        self._known = Sightings(limit, str(Scheme.of(self.config)))

    @classmethod
    def fit(cls, articles: object, **settings: Unpack[Settings]) -> Self:
        """Return what one batch of articles shows; `articles` is anything that `deduplicate` takes."""
        templates = cls(**settings)
        templates.update(articles)
        return templates

    def __len__(self) -> int:
        """Return the number of templates."""
        return len(self.found)

    def __repr__(self) -> str:
        """Return the counts in one line."""
        return f"<dedup.Templates templates={len(self)}, sightings={len(self._known)}>"

    @property
    def found(self) -> list[Template]:
        """The templates, each with its outlet, counts and an example: most stories first."""
        return self._known.templates(LEAST_POINTS, LEAST_POINTS_UNKNOWN)

    @property
    def sightings(self) -> Sightings:
        """The table of blocks and stories behind the templates."""
        return self._known

    def update(self, articles: object) -> None:
        """Learn from another batch of articles; an empty one teaches nothing.

        Raises:
            InputError: The input cannot be read, or a row is no article.
            DuplicateIdError: Two documents have one id.
        """
        batch: list[Article] = formats.read(articles, on_error="raise").articles
        outlets = [outlet_of(article.source) for article in batch]
        strings = [article.text for article in batch]
        cleaned, prints = clean_texts(strings, native.Texts.from_strings(strings))
        pages = [cleaned.get(row) or Cleaned(text, text) for row, text in enumerate(strings)]
        texts = [page.text for page in pages]
        take = Strings(texts).strings
        learn(outlets, take, prints, self._known, self.config, Memory(), all_blocks=True, lasting=True)
        # The cut texts are not wanted; but each template gets an example.
        _, examples = cut(pages, outlets, prints, furniture(outlets, prints, self._known))
        remember(self._known, [examples])

    def clean(self, article: Article | Mapping[str, object] | str) -> Cleaned:
        """Return an article without its furniture: what `dedup.clean` takes off, then the templates of its outlet.

        Args:
            article: An article, or what `deduplicate` takes for one: a mapping, or a text whose outlet is unknown.

        Raises:
            InvalidArgumentError: `article` is none of these.
            InputError: The mapping is no article.
        """
        if isinstance(article, str):
            article = Article(id="text", text=article)
        if isinstance(article, Mapping):
            (article,) = formats.read([article], on_error="raise").articles
        if not isinstance(article, Article):
            raise InvalidArgumentError(f"article must be an Article, a mapping or a str. Got {type(article).__name__}.")
        page, lines = clean_page(article.text)
        outlet = outlet_of(article.source)
        prints = Prints.of_lines([lines])
        stories = furniture([outlet], prints, self._known)
        if stories.any():
            ((page,), _) = cut([page], [outlet], prints, stories)
        return replace(page, attribution=attribution_of(page, article.source))

    def merge(self, other: Templates) -> Templates:
        """Return what both have seen, as if one had; both stay as they are.

        Raises:
            InvalidArgumentError: `other` is no `Templates`.
            SchemeMismatch: The two name stories by different signatures.
        """
        if not isinstance(other, Templates):
            raise InvalidArgumentError(f"other must be Templates. Got {type(other).__name__}.")
        return self._of(self.config, self._known.merge(other._known))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what was seen to one file, whole or not at all.

        Raises:
            OutputError: The file cannot be written.
        """
        self._known.save(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], **settings: Unpack[Settings]) -> Self:
        """Return what was saved; the settings must be those it was learned with, and the limit is kept.

        Raises:
            InvalidArgumentError: A setting is outside what is allowed.
            InputError: The file cannot be read, or is not what `save` wrote.
            SchemeMismatch: It was learned with signatures that these settings do not make.
        """
        config, known = configure(settings), Sightings.load(path)
        scheme = str(Scheme.of(config))
        if known.scheme != scheme:
            raise SchemeMismatch(f"settings must be those that {path} was learned with: {known.scheme}. Got {scheme}.")
        return cls._of(config, known)

    @classmethod
    def _of(cls, config: Config, known: Sightings) -> Self:
        templates = cls()
        templates.config, templates._known = config, known
        return templates
