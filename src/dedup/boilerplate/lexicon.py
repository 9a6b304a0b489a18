"""The words that give furniture away: `cues.tsv`, as the trie that the kernel follows."""

from __future__ import annotations

from dedup.kernels.blocks import KINDS, PLACES, WORDS, Lexicon

_BITS = 5  # of a kind's number


def parse(text: str) -> Lexicon:
    """Build the lexicon from lines of kind, place, language and phrase; lines that begin with # are comments."""
    numbers = {kind: number for number, kind in enumerate((*KINDS, *WORDS), 1)}
    values: dict[bytes, int] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            kind, place, _, phrase = line.split("\t")
            key, shift = phrase.encode(), _BITS * PLACES.index(place)
            # A phrase that two languages use for two things is what the first line says.
            if not values.get(key, 0) >> shift & (1 << _BITS) - 1:
                values[key] = values.get(key, 0) | numbers[kind] << shift
    return Lexicon.of(values)
