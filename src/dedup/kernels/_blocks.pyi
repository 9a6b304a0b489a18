# The native functions take addresses; blocks.py holds their meaning.
def count_rows(addresses: int, lengths: int, start: int, stop: int, counts: int) -> None: ...
def openers(first: bytes, byte: bytes, value: bytes) -> bytes: ...
def see_text(text: bytes, parts: tuple[bytes, bytes, bytes]) -> bytes: ...
def locate_rows(
    addresses: int, lengths: int, start: int, stop: int, counts: int, firsts: int, starts: int, ends: int
) -> None: ...
def block_rows(
    addresses: int,
    lengths: int,
    start: int,
    stop: int,
    counts: int,
    firsts: int,
    parts: tuple[bytes, bytes, bytes],
    trees: tuple[bytes, bytes, int, int, int],
    cues: int,
    fingerprints: int,
    words: int,
    scores: int,
    furniture: int,
) -> int: ...
