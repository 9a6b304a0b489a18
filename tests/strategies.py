"""What Hypothesis draws texts, articles and settings from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from dedup import Article, Config

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: A small pool, so that texts share sentences.
SENTENCES = (
    "“The wall holds for now,” the harbour master said on Monday.",
    "The council's engineers will come back in March.",
    "Nobody was hurt when the old crane fell.",
    "“It isn\u2019t over,” said the baker's wife, “not by far.”",
    "The ferry to Skerry sails twice a day, weather permitting.",
    "A new bell was hung in the chapel — the fourth since 1911.",
    "The ferry carried 1,200 people to Skerry in May, the company said.",
    "The ferry carried 900 people to Skerry in June, the company said.",
    "港の壁は月曜日に直されます。",
    "the the the the the the",
)
TAILS = ("", " (more follows)", " Local residents said they were relieved.")
#: Texts that are hardly any.
SCRAPS = ("", " ", "…", "Bell", "bell!", "BELL.", "two words", "“Two words”", "\x00", "e\u0301\u200d", "\ud800", "港")

#: Lines of page furniture, and a block with stories of other pages.
FURNITURE = (
    "Masons look over the harbour wall at low tide (Ida N Brock/PA)",
    "Masons at work. Photograph: Ida Brock/AFP/Getty Images",
    "The old wall fell. Masons look over what is left of it at low tide (Ida N Brock/PA) Nobody was hurt.",
    "Read more: why the wall fell",
    "\u00a0SIGN UP to our newsletter",
    "Comments\nNo comments yet...",
    "The wall holds for now, says our engineer pic.twitter.com/aB3dE5fG7h\n— Ida Brock (@ida_brock) May 12, 2025",
)
_BLOCK = "Try Our AI Features\nExplore what we can do:\nComments\nNo comments yet...\nRelated Articles\n\n"

DATES = (None, "2025-03-01", "2025-03-02T08:00:00+02:00", "2025-03-02T07:00:00Z", "2025-02-30", "soon", " 2025-03-01 ")
SOURCES = (None, "Reuters", " pa media ", "Harbour Gazette", "")


def _restyle(text: str, style: str) -> str:
    if style == "straight":
        return text.translate(str.maketrans("“”\u2019", '""\''))
    if style == "upper":
        return text.upper()
    return text.replace(". ", ".\n\n") if style == "lines" else text


def sentences(pool: tuple[str, ...] = SENTENCES) -> SearchStrategy[str]:
    """Return texts of a few shared sentences: other quotes, capitals, cut tails, repeats."""
    plain = st.builds(
        lambda parts, style, cut, tail: _restyle(" ".join(" ".join(parts).split(" ")[: cut or None]) + tail, style),
        st.lists(st.sampled_from(pool), max_size=7),
        st.sampled_from(["as it is", "straight", "upper", "lines"]),
        st.integers(-6, 0),
        st.sampled_from(TAILS),
    )
    return st.one_of(plain, plain, plain, st.sampled_from(SCRAPS))


def pages() -> SearchStrategy[str]:
    """Return texts with furniture around and inside them, some with stories of other pages."""
    item = st.builds(
        lambda outlet, text: f"{outlet}\n3 minutes ago\n- {outlet}\nWall to be mended\n{text}\n",
        st.sampled_from(["Tarn Journal", "The Mittenau Herald"]),
        st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=4).map(" ".join),
    )
    block = st.one_of(st.just(""), st.lists(item, max_size=3).map(lambda items: f"\n{_BLOCK}{''.join(items)}"))
    body = st.lists(st.one_of(sentences(), st.sampled_from(FURNITURE)), max_size=4).map("\n".join)
    marker = st.sampled_from(["", "date 2025-02-27 ", "date 2025-03-05 "])
    return st.builds(lambda day, text, rest: day + text + rest, marker, body, block)


def batches(
    texts: SearchStrategy[str] | None = None, *, min_size: int = 0, max_size: int = 7
) -> SearchStrategy[list[Article]]:
    """Return batches of articles with unique ids that are not in the order of the batch."""
    article = st.builds(
        Article,
        id=st.integers(0, 99).map(str),
        text=texts if texts is not None else sentences(),
        source=st.sampled_from(SOURCES),
        published=st.sampled_from(DATES),
    )
    return st.lists(article, min_size=min_size, max_size=max_size, unique_by=lambda article: article.id)


def configs(**fixed: object) -> SearchStrategy[Config]:
    """Return settings of every link rule, for texts of a few sentences."""
    drawn: dict[str, SearchStrategy[Any]] = {
        "threshold": st.sampled_from([0.05, 0.2, 0.4, 0.5, 0.8, 1.0]),
        "containment": st.sampled_from([None, 0.3, 0.6, 1.0]),
        "overlap": st.sampled_from([0.05, 0.25, 0.7]),
        "min_passage": st.sampled_from([2, 8, 40]),
        "min_excerpt": st.sampled_from([1, 4, 12, 40]),
        "shingle_size": st.integers(1, 4),
        "seed": st.sampled_from([0, 7, 2**64 - 1]),
        "linkage": st.sampled_from(["canonical", "components"]),
        "clean": st.just("off"),
        "threads": st.just(1),
    }
    drawn |= {name: st.just(value) for name, value in fixed.items()}
    return st.fixed_dictionaries(drawn).map(lambda values: Config(**values))
