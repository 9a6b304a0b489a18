"""Quality beside the peers: generated reprints and labelled sets, scores with intervals, speed and memory.

Writes benchmarks/results/<name>.json and .md with plots; see README.md.
"""

from __future__ import annotations

import argparse
import bisect
import json
import math
import random
import sys
import time
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import corpus as generated
import harness
import numpy as np
import peers
import plots
import reprints
import sets
from quality_report import report
from run import RESULTS, machine

import dedup
from dedup.errors import DedupError
from dedup.evaluation import LabelledPair, evaluate, evaluate_pairs
from dedup.model import LINKS, moments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dedup.evaluation import Estimate

#: Where the labelled sets are unless told otherwise.
SETS = harness.HERE.parents[1] / "shared" / "corpora" / "articles"
#: Who races unless told otherwise: two rows of slow tools with settings that find less are left out.
RACERS = [name for name in peers.TOOLS if name not in ("text-dedup .7", "simhash default")]
#: What each figure asks for, and below what it must not fall; both name the figure.
FLOORS = harness.HERE / "floors.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the command line asks for.

    Args:
        corpus: A JSONL file to make reprints of; None stands for allsides, or generated English without the sets.
        sets: The folder of the labelled sets.
        news_copy: See `sets.news_copy`.
        core: See `sets.core`.
        tools: Names of `peers.TOOLS`.
        documents: The most documents of a set that the tools race on.
        stories: The most stories that reprints are made of, for our figures; the tools race on a fifth.
        timeout: Seconds that a tool may take for a set, and one more for each hundred documents.
        seed: Of everything drawn.
    """

    corpus: Path | None = None
    sets: Path = SETS
    news_copy: Path | None = None
    core: Path | None = None
    tools: list[str] = field(default_factory=RACERS.copy)
    documents: int = 1500
    stories: int = 1500
    timeout: float = 60.0
    seed: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Contest:
    """A labelled set on which the tools race.

    Args:
        name: Its name.
        about: What it holds, in a sentence.
        rows: The documents.
        spaced: Whether words are written with spaces between.
        stories: Id -> story, where all documents are labelled.
        pairs: Labelled pairs.
        published: What others measured: (who, what, value).
    """

    name: str
    about: str
    rows: list[dict[str, Any]]
    spaced: bool = True
    stories: Mapping[str, str] = field(default_factory=dict)
    pairs: Sequence[LabelledPair] = ()
    published: Sequence[tuple[str, str, float]] = ()


# What there is to score on


def _corpus(asked: Asked) -> tuple[str, list[dict[str, Any]], bool]:
    """Return the name of what reprints are made of, its articles, and whether its words have spaces between.

    Of allsides half of the outlets are left out: defaults.py chooses on that half.
    """
    if asked.corpus:
        rows = list(harness.read_jsonl(asked.corpus))
        return asked.corpus.name, rows, reprints.is_spaced("".join(str(row["text"])[:200] for row in rows[:50]))
    if (asked.sets / "allsides.jsonl.gz").is_file():
        return "news", half_of_outlets(harness.read_jsonl(asked.sets / "allsides.jsonl.gz"), chosen=0), True
    texts = generated.english(3 * asked.stories, 3000, seed=asked.seed)
    return "generated", [{"id": str(number), "text": text} for number, text in enumerate(texts)], True


def half_of_outlets(rows: Iterable[dict[str, Any]], chosen: int) -> list[dict[str, Any]]:
    """Return the rows of one half of the outlets, of every second id where no outlet is named."""
    return [row for row in rows if random.Random(str(row.get("source") or row.get("id"))).randrange(2) == chosen]


def made_contest(
    name: str, about: str, made: reprints.Reprints, *, spaced: bool = True, alone: bool = False
) -> Contest:
    """Return generated reprints as a contest; `alone` scores an operator on pairs to which no other was applied."""
    fields = ("id", "text", "source", "published", "title")
    return Contest(
        name=name,
        about=about,
        rows=[{name: getattr(document, name) for name in fields} for document in made.documents],
        spaced=spaced,
        stories={document.id: document.story for document in made.documents},
        pairs=[
            LabelledPair(p.left, p.right, p.linked, p.relation, () if alone and len(p.operators) > 1 else p.operators)
            for p in made.pairs
        ],
    )


def set_contest(found: sets.Labelled) -> Contest:
    """Return a labelled set as a contest."""
    pairs = [LabelledPair(a, b, group.linked, group.name) for group in found.groups for a, b in group.pairs]
    return Contest(
        name=found.name,
        about=f"{len(found.rows):,} documents",
        rows=found.rows,
        spaced=found.spaced,
        stories=found.stories,
        pairs=pairs,
        published=found.published,
    )


def thinned(contest: Contest, documents: int, seed: int) -> Contest:
    """Return a contest of about so many documents: those of read pairs, as many of other pairs, and any.

    Sets whose documents are all labelled stay whole.
    """
    if len(contest.rows) <= documents or contest.stories:
        return contest
    chance = random.Random(seed)
    read = [pair for pair in contest.pairs if (pair.relation or "").startswith("read")]
    others = [pair for pair in contest.pairs if pair not in read]
    ends = {end for pair in others for end in (pair.left, pair.right)}
    # Documents are drawn, not pairs: of every kind of pair the same share has both its ends.
    kept = set(chance.sample(sorted(ends), min(len(ends), documents // 2)))
    kept |= {end for pair in read for end in (pair.left, pair.right)}
    rest = [row["id"] for row in contest.rows if row["id"] not in kept and row["id"] not in ends]
    kept |= set(chance.sample(rest, min(len(rest), max(0, documents - len(kept)))))
    rows = [row for row in contest.rows if row["id"] in kept]
    return replace(
        contest,
        about=f"{len(rows):,} of {len(contest.rows):,} documents",
        rows=rows,
        pairs=[pair for pair in contest.pairs if pair.left in kept and pair.right in kept],
        # What others measured was measured on the whole.
        published=(),
    )


# Scores


def _numbers(estimate: Estimate) -> list[float]:
    return [estimate.value, estimate.low, estimate.high]


def score(contest: Contest, labels: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores of clusters: of stories, of each group of pairs and of each edit, and their sizes."""
    scores: dict[str, Any] = {"stories": {}, "relations": [], "edits": []}
    if contest.stories:
        found = evaluate(contest.stories, labels)
        scores["stories"] = {name: _numbers(getattr(found, name)) for name in harness.STORY_SCORES}
    if contest.pairs:
        pairs = evaluate_pairs(contest.pairs, labels)
        for kind, shares in (("relations", pairs.by_relation), ("edits", pairs.by_edit)):
            scores[kind] = [
                {"name": share.name, "linked": share.linked, "pairs": share.pairs, "share": _numbers(share.share)}
                for share in shares
            ]
    sizes = Counter(labels.values())
    empty = [row["id"] for row in contest.rows if not row["text"].strip()]
    scores["largest"] = max(sizes.values(), default=0)
    scores["clustered_empty"] = sum(sizes[labels[name]] > 1 for name in empty)
    scores["apart"] = _apart(contest, labels)
    return scores


def _apart(contest: Contest, labels: Mapping[str, Any]) -> float | None:
    """Return the share of the dated pairs in one cluster that are more than two days apart, which few reprints are.

    None where less than half of the documents have a date, or there is no pair.
    """
    # Empty texts in one cluster are counted by themselves.
    firsts = {row["id"]: moments(str(row.get("published") or ""))[0] for row in contest.rows if row["text"].strip()}
    dated = {name: moment for name, moment in firsts.items() if math.isfinite(moment)}
    if 2 * len(dated) < len(firsts):
        return None
    clusters = defaultdict(list)
    for name, moment in dated.items():
        clusters[labels[name]].append(moment)
    pairs = far = 0
    for days in map(sorted, clusters.values()):
        pairs += len(days) * (len(days) - 1) // 2
        far += sum(bisect.bisect_left(days, day - 2 * 86400) for day in days)
    return far / pairs if pairs else None


def _ours(contest: Contest) -> tuple[dict[str, Any], dedup.Result]:
    result = dedup.deduplicate(contest.rows)
    labels = {name: cluster.canonical for cluster in result.clusters for name in cluster.members}
    return score(contest, labels), result


def _found(result: dedup.Result, pairs: Sequence[LabelledPair]) -> float:
    """Return the share of pairs that are linked directly, copies of one text counting as that text."""
    first: dict[str, str] = {}
    links = set()
    for row in result.pairs.to_pylist():
        if row["relation"] == "exact":
            first[row["right"]] = row["left"]
        elif row["relation"] in ("duplicate", "version", "excerpt"):
            links.add(frozenset((row["left"], row["right"])))
    ends = [frozenset(first.get(end, end) for end in (pair.left, pair.right)) for pair in pairs]
    return sum(len(pair) == 1 or pair in links for pair in ends) / len(ends)


def _without_forms(result: dedup.Result) -> dedup.Result:
    """Return what a run would have said without the relation `template`."""
    outcome = result.run.outcome
    pairs = replace(outcome.pairs, is_form=np.zeros_like(outcome.pairs.is_form))
    return replace(result, run=replace(result.run, outcome=replace(outcome, pairs=pairs)))


def _weak_links(result: dedup.Result) -> int:
    """Return the number of linked pairs of different texts with a Jaccard similarity below .8."""
    rows = result.pairs.to_pylist()
    return sum(row["relation"] in LINKS and row["relation"] != "exact" and row["jaccard"] < 0.8 for row in rows)


# The race


def race(contests: Sequence[Contest], asked: Asked) -> dict[str, Any]:
    """Run every tool on every contest, one after the other."""
    pythons = peers.prepare(names=asked.tools)
    answer: dict[str, Any] = {}
    for contest in contests:
        entries: dict[str, Any] = {}
        for tool in asked.tools:
            print(f"{contest.name}: {tool} ...", file=sys.stderr, flush=True)
            outcome = peers.run(
                tool,
                contest.rows,
                threads=harness.processors(),
                spaced=contest.spaced,
                timeout=asked.timeout + len(contest.rows) / 100,
                python=pythons[tool],
            )
            entry: dict[str, Any] = {"failed": outcome.failed, "details": dict(outcome.details)}
            if outcome.failed is None:
                seconds = outcome.seconds or float("nan")
                entry |= {"seconds": seconds, "documents_per_s": len(contest.rows) / seconds}
                entry |= {"peak_bytes": outcome.peak_bytes, **score(contest, outcome.labels)}
            entries[tool] = entry
        about = {"about": contest.about, "documents": len(contest.rows), "published": list(contest.published)}
        answer[contest.name] = {**about, "tools": entries}
    return answer


def losses(contests: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every row in which a peer is better than our defaults, with all peers that are, the best first.

    `clear` says whether the best lies outside our 95 % interval. Where ours failed, any peer that did not is better.
    """
    found = []
    for name, contest in contests.items():
        figures = {tool: _figures(entry) for tool, entry in contest["tools"].items() if not tool.startswith("dedup,")}
        ours = figures.pop("dedup", {})
        if not ours:
            peers_done = {tool: math.nan for tool, its in figures.items() if its}
            found.append({"set": name, "what": "done at all", "ours": math.nan, "peers": peers_done, "clear": True})
        for what, (numbers, more) in ours.items():
            sign = 1 if more else -1
            better = {
                tool: its[what][0][0]
                for tool, its in figures.items()
                if what in its and (its[what][0][0] - numbers[0]) * sign > 0
            }
            if better:
                order = sorted(better, key=better.__getitem__, reverse=more)
                _, low, high = numbers if len(numbers) > 1 else numbers * 3
                clear = better[order[0]] > high if more else better[order[0]] < low
                ranked = {tool: better[tool] for tool in order}
                found.append({"set": name, "what": what, "ours": numbers[0], "peers": ranked, "clear": clear})
    return found


def _figures(entry: Mapping[str, Any]) -> dict[str, tuple[list[float], bool]]:
    """Return what -> (value, maybe with its interval, and whether more is better) of one tool on one contest."""
    if entry.get("failed", "") is not None:
        return {}
    figures = {
        "documents a second": ([entry["documents_per_s"]], True),
        "empty texts in clusters": ([float(entry["clustered_empty"])], False),
    }
    if entry["peak_bytes"] is not None:
        figures["peak bytes"] = ([float(entry["peak_bytes"])], False)
    if entry["apart"] is not None:
        figures["more than two days apart"] = ([entry["apart"]], False)
    for score_name, numbers in entry["stories"].items():
        figures[score_name] = (numbers, True)
    for share in entry["relations"] + [share for share in entry["edits"] if share["linked"]]:
        what = f"{share['name']} {'found' if share['linked'] else 'linked by mistake'}"
        figures[what] = (share["share"], share["linked"])
    return figures


# Our own figures


#: Generated sets: name -> mode and strength.
MADE = {
    "mixed, normal": ("mixed", "normal"),
    "each operator, normal": ("each", "normal"),
    "mixed, heavy": ("mixed", "heavy"),
    "mixed, light": ("mixed", "light"),
}


def _make(name: str, rows: list[dict[str, Any]], asked: Asked, stories: int) -> reprints.Reprints:
    mode, strength = MADE[name]
    return reprints.generate(rows, seed=asked.seed, strength=strength, mode=mode, stories=stories)


def own_figures(
    made: Mapping[str, reprints.Reprints], labelled: Mapping[str, sets.Labelled], language: str
) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """Return the scores of our defaults on whole sets, and the figures that are asked for: [value, low, high]."""
    scores: dict[str, Any] = {}
    figures: dict[str, list[float]] = {}
    for name, one in made.items():
        contest = made_contest(name, "", one, alone=name.startswith("each"))
        scores[name], _ = _ours(contest)
        scores[name]["documents"] = len(contest.rows)
        scores[name]["jaccard"] = _true_jaccard(one)
        figures[f"{language} reprints, {name}: pair F1"] = scores[name]["stories"]["f1"]
    for name, one_set in labelled.items():
        contest = set_contest(one_set)
        scores[name], result = _ours(contest)
        scores[name]["documents"] = len(contest.rows)
        for share in scores[name]["relations"]:
            what = "in one cluster" if share["linked"] else "linked by mistake"
            figures[f"{name}, {share['name']}: {what}"] = share["share"]
        for group in one_set.groups:
            if group.name.startswith("Jaccard") and group.linked:
                pairs = [pair for pair in contest.pairs if pair.relation == group.name]
                figures[f"{name}, {group.name}: found"] = [_found(result, pairs), math.nan, math.nan]
            if group.name.startswith("same headline"):
                labels = {at: one.canonical for one in _without_forms(result).clusters for at in one.members}
                same = [labels[a] == labels[b] for a, b in group.pairs]
                plain = f"{name}, {group.name}: in one cluster without the relation template"
                figures[plain] = [sum(same) / len(same), math.nan, math.nan]
        left, before = (_weak_links(one) for one in (result, _without_forms(result)))
        figures[f"{name}: links below .8, of those without the relation template"] = [
            left / before if before else math.nan,
            math.nan,
            math.nan,
        ]
        figures[f"{name}: empty texts in clusters"] = [float(scores[name]["clustered_empty"]), math.nan, math.nan]
        if scores[name]["apart"] is not None:
            figures[f"{name}: pairs in one cluster more than two days apart"] = [
                scores[name]["apart"],
                math.nan,
                math.nan,
            ]
    return scores, figures


def _true_jaccard(made: reprints.Reprints) -> dict[str, float]:
    """Return the mean true Jaccard of the pairs of one story in which only one operator was applied, by operator."""
    values = defaultdict(list)
    for pair in made.pairs:
        if pair.linked and len(pair.operators) == 1:
            values[pair.operators[0]].append(pair.jaccard)
    return {name: sum(of) / len(of) for name, of in values.items()}


def targets(figures: Mapping[str, Sequence[float]], *, judged: bool = True) -> list[dict[str, Any]]:
    """Return the figures that are asked for or pinned, each beside what was measured.

    Pins are for the default corpus, seed and sizes; they are not judged otherwise.
    """
    rows = []
    for name, row in json.loads(FLOORS.read_text(encoding="utf-8")).items():
        measured = figures.get(name)
        at_most = row.get("at_most", False)
        rows.append(
            {
                "what": name,
                "at_most": at_most,
                "asked": row.get("asked"),
                "pinned": row.get("pinned"),
                "measured": measured,
                "met": holds(measured, row.get("asked"), at_most=at_most),
                "held": holds(measured, row.get("pinned"), at_most=at_most) if judged else None,
                "waits": row.get("waits_for", ""),
            }
        )
    return rows


def holds(measured: Sequence[float] | None, limit: float | None, *, at_most: bool) -> bool | None:
    """Return whether a figure keeps its limit; None where one of the two is missing."""
    if measured is None or limit is None:
        return None
    return measured[0] <= limit if at_most else measured[0] >= limit


# The command


def _labelled(asked: Asked) -> dict[str, sets.Labelled]:
    found = {name: load(asked.sets) for name, load in sets.SETS.items() if (asked.sets / f"{name}.jsonl.gz").is_file()}
    if asked.news_copy:
        found["NEWS-COPY"] = sets.news_copy(asked.news_copy)
    if asked.core:
        found["CORE"] = sets.core(asked.core)
    return found


def measure(asked: Asked) -> dict[str, Any]:
    """Return all results."""
    begun = time.perf_counter()
    name, rows, spaced = _corpus(asked)
    labelled = _labelled(asked)
    print("our own figures ...", file=sys.stderr, flush=True)
    made = {kind: _make(kind, rows, asked, asked.stories) for kind in MADE}
    own, figures = own_figures(made, labelled, name)
    contests = []
    for kind in MADE:
        one = _make(kind, rows, asked, asked.stories // 5)
        about, alone = f"{len(one.documents):,} documents", kind.startswith("each")
        contests.append(made_contest(f"reprints, {kind}", about, one, spaced=spaced, alone=alone))
    for found in labelled.values():
        # The one real set of syndicated copy is raced on as a whole.
        most = len(found.rows) if found.name == "saudinewsnet" else asked.documents
        contests.append(thinned(set_contest(found), most, asked.seed))
    raced_on = race(contests, asked)
    return {
        "machine": machine(),
        "command": "python " + " ".join(sys.argv),
        "corpus": name,
        "asked": {key: str(value) for key, value in asdict(asked).items()},
        "tools": asked.tools,
        "own": own,
        "figures": figures,
        "targets": targets(figures, judged=asked == replace(Asked(), sets=asked.sets, tools=asked.tools)),
        "contests": raced_on,
        "losses": losses(raced_on),
        "seconds": time.perf_counter() - begun,
    }


def main() -> int:
    """Measure, print and save; return 1 when a pinned figure fell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, help="a .jsonl or .jsonl.gz file of articles to make reprints of")
    parser.add_argument("--sets", type=Path, default=SETS, help="the folder of the labelled sets")
    parser.add_argument("--news-copy", type=Path, help="NEWS-COPY: a file or an unpacked folder (see sets.py)")
    parser.add_argument("--core", type=Path, help="CORE: a Parquet or JSONL file (see sets.py)")
    parser.add_argument("--tools", type=peers.names, default=RACERS, help="beginnings of the names of tools")
    parser.add_argument("--documents", type=int, default=1500, help="most documents of a set that the tools race on")
    parser.add_argument("--stories", type=int, default=1500, help="most stories to make reprints of")
    parser.add_argument(
        "--timeout", type=float, default=60.0, help="seconds that a tool may take, plus 1 per 100 documents"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", help="name of the files; the date and time by default")
    given = vars(parser.parse_args())
    stem = given.pop("name") or "quality-" + datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    for name in ("corpus", "news_copy", "core"):
        if given[name] and not given[name].exists():
            parser.error(f"--{name.replace('_', '-')} must be there. Got {given[name]}.")
    try:
        results = measure(Asked(**given))
    except DedupError as error:
        parser.error(str(error))
    RESULTS.mkdir(exist_ok=True)
    text = report(results, plots.draw(results, RESULTS / stem))
    print(text)
    (RESULTS / f"{stem}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (RESULTS / f"{stem}.md").write_text(text, encoding="utf-8")
    print(f"saved {RESULTS / stem}.json and .md in {results['seconds']:.0f} s", file=sys.stderr)
    return int(any(row["held"] is False for row in results["targets"]))


if __name__ == "__main__":
    sys.exit(main())
