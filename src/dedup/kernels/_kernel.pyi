# The native functions take addresses; native.py holds their meaning.
def address_of(array: object) -> int: ...
def load_table(index: bytes, entries: bytes, expansions: bytes) -> None: ...
def sketch_rows(
    addresses: int,
    lengths: int,
    start: int,
    stop: int,
    width: int,
    seed: int,
    log2_slots: int,
    signatures: int,
    tokens: int,
    shingles: int,
    digests: int,
    last_stage: int = 5,
    wide: int = 0,
    cut: int = 0,
    least: int = 0,
    part: int = 1,
    counts: int = 0,
) -> tuple[int, int, bytes]: ...
def shingle_set_rows(
    addresses: int,
    lengths: int,
    rows: int,
    start: int,
    stop: int,
    width: int,
    seed: int,
    starts: int,
    ends: int,
    values: int,
    counts: int,
    cut: int = 0,
    least: int = 0,
) -> tuple[int, int]: ...
def tokens_of(text: bytes, seed: int, width: int) -> tuple[bytes, bytes, bytes, int] | None: ...
def equal_rows(
    addresses: int, lengths: int, left: int, right: int, start: int, stop: int, equal: int
) -> tuple[int, int]: ...
def align_rows(
    addresses: int,
    lengths: int,
    count: int,
    left: int,
    right: int,
    start: int,
    stop: int,
    width: int,
    seed: int,
    capitals: bytes,
    alignments: int,
) -> tuple[int, int]: ...
def hash_rows(addresses: int, lengths: int, start: int, stop: int, seed: int, hashes: int) -> None: ...
def cue_rows(addresses: int, lengths: int, start: int, stop: int, marks: bytes, starts: bytes, found: int) -> None: ...
def read_strings(texts: list[str], addresses: int, lengths: int) -> list[bytes]: ...
def band_keys(signatures: int, slots: int, start: int, stop: int, first: int, rows: int, keys: int) -> None: ...
def intersect_rows(
    values: int, starts: int, counts: int, left: int, right: int, start: int, stop: int, shared: int
) -> None: ...
def permute_rows(
    hashes: int,
    offsets: int,
    start: int,
    stop: int,
    scheme: int,
    multipliers: int,
    increments: int,
    slots: int,
    signatures: int,
) -> None: ...
def probe_filters(keys: int, n: int, runs: int, run_count: int, masks: int, lists: int) -> int: ...
def search_lists(
    entries: int,
    entry_count: int,
    lists: int,
    n: int,
    keys: int,
    key_count: int,
    found: int,
    room: int,
    goes_on: int,
) -> int: ...
def choose_canonicals(offsets: int, neighbours: int, scores: int, documents: int, canonicals: int) -> None: ...
