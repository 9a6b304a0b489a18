"""The arguments and options that several commands have, each described once. Needs typer, the `[cli]` extra."""

from typing import Annotated

from typer import Argument, Option

Index = Annotated[str, Argument(metavar="FILE", help="The index.")]

Threshold = Annotated[float, Option(help="Least Jaccard similarity of a duplicate.")]
Containment = Annotated[
    float | None, Option(help="Least share of an excerpt in the longer text.", show_default="threshold + 0.05")
]
Overlap = Annotated[float, Option(help="Least share of the shorter text in the longer one of an overlap.")]
MinPassage = Annotated[int, Option(help="Words in a row that make an overlap, whatever their share.")]
MinExcerpt = Annotated[int, Option(help="Least shingles of the shorter text of an excerpt or overlap.")]
Recall = Annotated[float, Option(help="Least share of the pairs at the threshold to find.")]
ShingleSize = Annotated[int, Option(help="Words per shingle.")]
Slots = Annotated[int, Option(help="Slots of a signature, a power of two.")]
Seed = Annotated[int, Option(help="Seed of the hash.")]
Prefer = Annotated[
    list[str] | None, Option(metavar="SOURCE", help="Keep this outlet's copy first; may be repeated, best first.")
]
CleanPage = Annotated[str, Option(help="pages or off: take furniture off each text first, or leave it.")]

Threads = Annotated[int | None, Option(help="Worker threads.", show_default="one per processor")]
OnError = Annotated[str, Option(help="raise or skip: what to do with a bad row.")]
Label = Annotated[str, Option(metavar="COLUMN", help="The column of the labels with the story.")]
Json = Annotated[bool, Option("--json", help="Print one JSON object, complete.")]
