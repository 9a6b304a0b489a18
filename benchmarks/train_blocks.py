"""Trains the forest that tells the blocks of a story from furniture, and writes the weights that the package ships.

`python benchmarks/train_blocks.py` learns from the labelled pages and from plain news, all of whose lines stay. With
`--folds` it leaves out each fifth of the sites in turn and writes the five forests, by which `make bench-quality`
scores every page with weights that have not seen its site. LightGBM grows the trees; the package needs it no more.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness
import numpy as np

import boilerplate as scoring
from dedup.boilerplate.lexicon import parse
from dedup.kernels import blocks as kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

PACKAGE = harness.HERE.parent / "src" / "dedup" / "boilerplate"
#: What the package ships: the lexicon as a trie, and the forest.
WEIGHTS = PACKAGE / "weights.npz"

#: What the forest sees of a block's neighbours, up to three above and below.
NEIGHBOURS = (
    "words", "function_share", "dates", "capital_share", "digit_share", "ending", "opening", "sentences", "separators",
    "prose", "known_share", "repeats", "cue",
)  # fmt: skip
TREES = 300
PARAMETERS = {
    "objective": "cross_entropy",
    "learning_rate": 0.1,
    "num_leaves": 28,
    "max_depth": kernel.DEPTH,
    "min_data_in_leaf": 200,
    "lambda_l2": 30.0,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.6,
    "bagging_freq": 1,
    "max_bin": 63,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 2,
    "verbosity": -1,
}
#: How much a page counts: by its file, then by its set. News that is of today counts most.
FILE_WEIGHTS = {"article_window": 3.0, "extractor_residue": 1.5}
SET_WEIGHTS = {
    "fundus_publishers": 4.0,
    "wcxb": 0.5,
    "cleaneval": 0.3,
    "goose3_tests": 0.3,
    "google_trends_2017": 0.5,
    "readability_js": 0.7,
    "plain": 0.7,
}
_PLAIN = 150  # texts of each set, and language, of plain news
_PAGE_BLOCKS = 60  # a longer page counts for less than its blocks
_MOST_WORDS = 100
_LEAF_UNIT = 1000.0


class Example:
    """What is seen of the blocks of one page, and which of them stay.

    Args:
        file: The file of the page, "plain" for news.
        page: The page.
        lexicon: What the kernel knows.
    """

    def __init__(self, file: str, page: scoring.Page, lexicon: kernel.Lexicon) -> None:
        lines = [" ".join(line.split()) for line in page.lines]
        self.keep = np.array([kept for line, kept in zip(lines, page.keep, strict=True) if line], np.float32)
        self.seen = kernel.see("\n".join(filter(None, lines)), lexicon).astype(np.int16)
        self.fold = scoring.part(page.site)
        weight = FILE_WEIGHTS.get(file, 1.0) * SET_WEIGHTS.get(page.set, 1.0)
        n = max(len(self.keep), 1)
        words = np.minimum(self.seen[:, 0].astype(np.float64), _MOST_WORDS)
        self.weight = np.sqrt(words + 1) * weight * min(1.0, _PAGE_BLOCKS / n) ** 0.5


def examples(folder: Path, lexicon: kernel.Lexicon) -> Iterator[Example]:
    """Yield every page that is learned from; of plain news none that the scores are taken on."""
    articles = {row["id"] for row in scoring.rows("pages_wcxb", folder) if row["page_type"] == "article"}
    for name in scoring.PAGES:
        for page in scoring.labelled(name, folder):
            if any(page.keep) and (page.set != "wcxb" or page.id in articles):
                yield Example(name, page, lexicon)
    for name in scoring.ARTICLES:
        for group, rows in scoring.articles(name, folder, scoring.ARTICLES_DRAWN + _PLAIN).items():
            scored = {row["id"] for row in scoring.drawn(rows, scoring.ARTICLES_DRAWN)}
            for row in rows:
                if row["id"] not in scored:
                    lines = row["text"].splitlines()
                    page = scoring.Page("plain", row["id"], f"{group} {row['id']}", lines, [True] * len(lines), None)
                    yield Example("plain", page, lexicon)


def widened(seen: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return what is seen of each block and of its neighbours, in the order of `places`; -1 beyond the page."""
    columns = [kernel.COLUMNS.index(name) for name in NEIGHBOURS]
    parts = [seen]
    for offset in _offsets():
        part = np.full((len(seen), len(columns)), -1, np.int16)
        rows = np.arange(len(seen)) + offset
        inside = (rows >= 0) & (rows < len(seen))
        part[inside] = seen[rows[inside]][:, columns]
        parts.append(part)
    return np.concatenate(parts, axis=1)


def places() -> list[int]:
    """Return where the forest finds each number: its place relative to the first column of the block."""
    width = len(kernel.COLUMNS)
    columns = [kernel.COLUMNS.index(name) for name in NEIGHBOURS]
    return [*range(width), *(offset * width + column for offset in _offsets() for column in columns)]


def _offsets() -> list[int]:
    return [offset for offset in range(-kernel.REACH, kernel.REACH + 1) if offset]


def train(pages: list[Example], left_out: int | None) -> dict[str, NDArray[np.int16]]:
    """Return the arrays of a forest that learned from all pages but those of one fold."""
    import lightgbm

    used = [page for page in pages if page.fold != left_out]
    data = lightgbm.Dataset(
        np.concatenate([widened(page.seen) for page in used]),
        label=np.concatenate([page.keep for page in used]),
        weight=np.concatenate([page.weight for page in used]),
        free_raw_data=True,
    )
    return arrays(lightgbm.train(PARAMETERS, data, TREES).dump_model())


def arrays(model: dict[str, Any]) -> dict[str, NDArray[np.int16]]:
    """Return a dumped model as the arrays that `kernel.Forest` describes: shallow leaves are spread below."""
    where = places()
    trees = model["tree_info"]
    found = {
        "places": np.zeros((len(trees), kernel.NODES), np.int16),
        "limits": np.full((len(trees), kernel.NODES), np.iinfo(np.int16).max, np.int16),
        "leaves": np.zeros((len(trees), kernel.NODES + 1), np.int16),
    }

    def add(tree: int, node: int, part: dict[str, Any]) -> None:
        if node >= kernel.NODES:
            found["leaves"][tree, node - kernel.NODES] = round(part["leaf_value"] * _LEAF_UNIT)
            return
        if "split_feature" in part:
            found["places"][tree, node] = where[part["split_feature"]]
            found["limits"][tree, node] = int(np.floor(part["threshold"]))
        add(tree, 2 * node + 1, part.get("left_child", part))
        add(tree, 2 * node + 2, part.get("right_child", part))

    for tree, info in enumerate(trees):
        add(tree, 0, info["tree_structure"])
    return found


def write(lexicon: kernel.Lexicon, forest: dict[str, NDArray[np.int16]]) -> None:
    """Write what the package ships."""
    trie = {
        "first": np.frombuffer(lexicon.first, np.uint32),
        "byte": np.frombuffer(lexicon.byte, np.uint8),
        "value": np.frombuffer(lexicon.value, np.uint16),
    }
    np.savez_compressed(WEIGHTS, **trie, **forest)


def main() -> int:
    """Train, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=scoring.FOLDER, help="where the corpora are")
    parser.add_argument("--words", action="store_true", help="only take the cues over, keep the forest")
    parser.add_argument("--folds", action="store_true", help="also train and write the forests of the folds")
    options = parser.parse_args()
    started = time.perf_counter()
    lexicon = parse((PACKAGE / "cues.tsv").read_text(encoding="utf-8"))
    if options.words:
        with np.load(WEIGHTS, allow_pickle=False) as parts:
            write(lexicon, {name: parts[name] for name in ("places", "limits", "leaves")})
        return 0
    pages = list(examples(options.folder, lexicon))
    blocks = sum(len(page.keep) for page in pages)
    print(f"{len(pages):,} pages, {blocks:,} blocks, {len(lexicon.byte):,} nodes of the lexicon")
    write(lexicon, train(pages, None))
    print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size:,} bytes, {time.perf_counter() - started:.0f} s", flush=True)
    if options.folds:
        folds = [train(pages, fold) for fold in range(scoring.FOLDS)]
        named = itertools.chain.from_iterable(
            ((f"{name}{fold}", part) for name, part in forest.items()) for fold, forest in enumerate(folds)
        )
        np.savez_compressed(scoring.FOLD_WEIGHTS, **dict(named))
        print(f"{scoring.FOLD_WEIGHTS.name}: {time.perf_counter() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
