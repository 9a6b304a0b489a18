"""Writes a small index of invented texts, by which tests tell that files of this format can still be read.

.venv/bin/python tools/build_index_sample.py tests/data/index-v1.dedup

Each format version keeps the file that was written when it was the newest. Texts, clusters and events are the same each
time; names of runs and times of arrival are not.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dedup import Article, Index

BELL = (
    "A new bell was hung in the chapel of Skerry on Sunday, the fourth since 1911, while half the island looked on. "
    "The founder had brought it over by ferry the evening before, wrapped in straw and sailcloth. "
    "It weighs as much as two cows and a calf, said the verger, who had to lift it. "
    "The third bell cracked in the frost of last winter and will be melted down in spring."
)
WALL = (
    "Masons began to mend the harbour wall at Tarnholm on Monday, two weeks after the storm took forty metres of it. "
    "The council set aside a third of what it costs and hopes that the county pays the rest. "
    "Boats have to lie at the northern quay until the work is done, which may take until March. "
    "Nobody was hurt when the wall fell, but a crane and three sheds went with it into the water."
)
FERRY = (
    "The ferry to Skerry will sail three times a day from May, once more than now, the company announced. "
    "It carried twelve hundred people in the month of June alone, a fifth more than the summer before. "
    "A second captain has been found in the fishing fleet, and he starts after Easter. "
    "Fares stay as they are for those who live on the island; visitors pay a crown more."
)
CHEESE = (
    "The cheese of the Mittenau valley may be called after the valley again, a court has ruled after nine years. "
    "A dairy on the plain had used the name since the seventies and must now find another. "
    "There was dancing in front of the town hall until late in the night, in spite of the rain."
)

MORNING = [
    Article("bell", BELL, source="Skerry Post", published="2025-03-02T08:00:00Z", title="A fourth bell for Skerry"),
    Article("bell-copy", BELL, source="Tarn Journal", published="2025-03-02T09:00:00Z", extra={"page": 4}),
    Article("bell-capitals", BELL.upper(), source="Harbour Gazette", published="2025-03-03"),
    Article("bell-short", BELL[: BELL.index(" The third")], source="Island News", published="2025-03-02T10:00:00Z"),
    Article(
        "wall", WALL, source="Tarn Journal", published="2025-03-03T07:30:00+01:00", url="https://tarn.example/wall"
    ),
    Article("wall-later", WALL + " The mayor will visit on Friday.", source="Harbour Gazette", published="2025-03-04"),
    Article("ferry", FERRY, source="Skerry Post", published="2025-03-01"),
    Article("roundup", f"{WALL} {FERRY} {BELL}", source="The Week", published="2025-03-07"),
    Article("cheese", CHEESE, published="2025-02-01T12:00:00Z"),
    Article("cheese-again", CHEESE.replace("nine years", "ten years"), published="2025-02-02T12:00:00Z"),
    Article("empty", "", source="Island News"),
    Article("cafe\u0301-港", "Ein Satz, der mit keinem anderen zu tun hat.", source="Mittenauer Bote"),
]
EVENING = [
    Article("ferry-copy", FERRY, source="Island News", published="2025-03-05"),
    Article("wall", WALL + " Divers look for the crane.", source="Tarn Journal", published="2025-03-03T06:00:00Z"),
    Article("gone", CHEESE.replace("dancing", "singing"), published="2025-03-06"),
]


def build(path: Path) -> None:
    """Write the index; a file of that name is replaced once the new one is whole."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with Index(new, threads=1) as index:
        index.add_batch(MORNING)
        index.compact()
        index.add_batch(EVENING)
        index.expire("2025-02-02")
        index.remove("gone")
        index.drop_events(2)
        if faults := index.verify():
            raise SystemExit("\n".join(faults))
        print(f"{path}: {index.stats()}")
        for event in index.events(after=2):
            print(event)
        for cluster in index.clusters():
            print(cluster)
    new.replace(path)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
