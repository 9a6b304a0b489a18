# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: freethreading_compatible=True
"""The native kernel: folding, tokens, hashes, shingles, sketches, bands, shingle sets, postings and clusters.

Each function has a readable twin of the same name in `reference.py`; tests hold the two equal bit for bit. Arrays come
as addresses with their lengths, which keeps the extension small; `native.py` checks dtypes and shapes before it calls.
Texts are UTF-8 rows: an array of addresses and one of byte lengths. Functions that take `start` and `stop` work on that
range of rows without the GIL, so that a pool of threads can share a batch.
"""

import cython
from cython.cimports.cpython.buffer import PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cython.cimports.cpython.bytes import PyBytes_AsString
from cython.cimports.cpython.unicode import PyUnicode_AsUTF8AndSize
from cython.cimports.libc.stdint import int64_t, uint8_t, uint32_t, uint64_t
from cython.cimports.libc.stdlib import calloc, free, malloc, realloc
from cython.cimports.libc.string import memchr, memcmp, memcpy, memmove, memset


def address_of(array) -> int:
    """Return where a contiguous array begins; NumPy's own answer takes ten times as long as a short kernel."""
    view: Py_buffer
    PyObject_GetBuffer(array, cython.address(view), PyBUF_SIMPLE)
    address: cython.size_t = cython.cast(cython.size_t, view.buf)
    PyBuffer_Release(cython.address(view))
    return address


def load_table(index: bytes, entries: bytes, expansions: bytes) -> None:
    """Take the fold table; called once, when the package is imported."""
    global _index, _entries, _expansions
    if _index != cython.NULL:
        return
    point: uint32_t
    place: uint32_t
    entry: uint32_t
    length: uint32_t
    entry_bytes: cython.size_t = len(entries)
    expansion_bytes: cython.size_t = len(expansions)
    _index = cython.cast(u8p, malloc(4352))
    _entries = cython.cast(u32p, malloc(entry_bytes))
    _expansions = cython.cast(u8p, malloc(expansion_bytes + PAD))
    if _index == cython.NULL or _entries == cython.NULL or _expansions == cython.NULL:
        raise MemoryError
    memcpy(_index, PyBytes_AsString(index), 4352)
    memcpy(_entries, PyBytes_AsString(entries), entry_bytes)
    memset(_expansions, 0, expansion_bytes + PAD)
    memcpy(_expansions, PyBytes_AsString(expansions), expansion_bytes)
    for point in range(0x80):
        # Two bytes for what one byte says are malformed, which is found out elsewhere.
        _small[0x800 + point] = cython.cast(uint32_t, LONG) << 24
    for point in range(0x800):
        entry = _entries[(cython.cast(uint32_t, _index[point >> 8]) << 8) | (point & 0xFF)]
        length = (entry >> 3) & 63
        place = point if point < 0x80 else 0x800 + point
        if (entry & 7) == SEPARATOR:
            _small[place] = 1 << 24 | 32
        elif (entry & 7) == DROP:
            _small[place] = 0
        elif (entry & 7) == COPY and point < 0x80:
            _small[place] = 1 << 24 | point
        elif (entry & 7) == COPY:
            _small[place] = 2 << 24 | (0x80 | (point & 0x3F)) << 8 | (0xC0 | point >> 6)
        elif (entry & 7) == EXPAND and length <= 3:
            _small[place] = length << 24
            memcpy(cython.address(_small[place]), _expansions + (entry >> 9), length)
        else:
            _small[place] = cython.cast(uint32_t, LONG) << 24


# ---------------------------------------------------------------------------------------------------------- scratch


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _release(s: cython.pointer[Scratch]) -> cython.void:
    if s.folded != cython.NULL:
        free(s.folded - PAD)
    free(s.edges)
    free(s.classes)
    free(s.hashes)
    free(s.prefixes)
    free(s.shingles)
    free(s.sorting)
    memset(s, 0, cython.sizeof(Scratch))


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _make_folded_room(s: cython.pointer[Scratch], room: cython.size_t) -> cython.int:
    block: u8p
    if s.folded_room >= room:
        return 0
    if s.folded != cython.NULL:
        free(s.folded - PAD)
        s.folded = cython.NULL
    s.folded_room = 0
    block = cython.cast(u8p, malloc(room + 3 * PAD))
    if block == cython.NULL:
        return NO_MEMORY
    memset(block, 32, PAD)
    s.folded = block + PAD
    s.folded_room = room
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _make_token_room(s: cython.pointer[Scratch], tokens: cython.size_t) -> cython.int:
    if s.token_room >= tokens:
        return 0
    free(s.edges)
    free(s.classes)
    free(s.hashes)
    free(s.prefixes)
    free(s.shingles)
    free(s.sorting)
    s.token_room = 0
    s.edges = cython.cast(u32p, malloc(4 * (2 * tokens + PAD)))
    s.classes = cython.cast(u32p, malloc(4 * (4 * tokens + PAD)))
    s.hashes = cython.cast(u64p, malloc(8 * (tokens + PAD)))
    s.prefixes = cython.cast(u64p, malloc(8 * (tokens + PAD)))
    s.shingles = cython.cast(u64p, malloc(8 * (tokens + PAD)))
    s.sorting = cython.cast(u64p, malloc(8 * (tokens + PAD)))
    if (
        s.edges == cython.NULL
        or s.classes == cython.NULL
        or s.hashes == cython.NULL
        or s.prefixes == cython.NULL
        or s.shingles == cython.NULL
        or s.sorting == cython.NULL
    ):
        return NO_MEMORY
    s.token_room = tokens
    return 0


# ------------------------------------------------------------------------------------------------------------- fold


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _fold_block(text: cu8p, block: u8p) -> cython.void:
    """Fold 32 bytes as ASCII: lower case, 32 for a separator, 0 for a byte to drop. The compiler vectorises this."""
    i: cython.int
    c: uint8_t
    lower: uint8_t
    kept: uint8_t
    gone: uint8_t
    for i in range(32):
        c = text[i]
        # Comparisons become masks of all ones or none: a branch would keep the loop out of vector registers.
        lower = c | 32
        kept = -cython.cast(uint8_t, cython.cast(uint8_t, lower - 97) < 26)
        kept |= -cython.cast(uint8_t, cython.cast(uint8_t, c - 48) < 10)
        gone = -cython.cast(uint8_t, c == 34) | -cython.cast(uint8_t, c == 39) | -cython.cast(uint8_t, c == 96)
        block[i] = (lower & kept) | (32 & ~(kept | gone))


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _fold_run(
    text: cu8p,
    size: cython.size_t,
    start: cython.size_t,
    s: cython.pointer[Scratch],
    written: cython.pointer[cython.size_t],
) -> cython.Py_ssize_t:
    """Fold one character after the other until the next eight bytes are ASCII; return where."""
    small: u32p = _small
    index: u8p = _index
    entries: u32p = _entries
    expansions: u8p = _expansions
    out: u8p = s.folded
    k: cython.size_t = written[0]
    p: cython.size_t = start
    left: cython.size_t
    length: cython.size_t
    width: cython.size_t
    tail: uint8_t[8]
    x: uint64_t
    b: uint32_t
    second: uint32_t
    two: uint32_t
    point: uint32_t
    entry: uint32_t
    code: uint32_t
    malformed: uint32_t = 0
    unspaced: cython.int = 0
    while p < size:
        # One or two bytes in, at most three out, and no branch: words and the spaces between them alternate.
        while p + 8 <= size:
            x = load64(text + p)
            b = x & 0xFF
            if b >= 0xE0 or not x & HIGHS:
                break
            two = b >> 7
            malformed |= (cython.cast(uint32_t, x) ^ TWO_BYTES) & TWO_BYTES_MASK & (0 - two)
            point = 0x800 | ((b & 0x1F) << 6) | ((x >> 8) & 0x3F)
            # A mask, because the compiler makes a branch of a choice.
            entry = small[b ^ ((b ^ point) & (0 - two))]
            length = entry >> 24
            if length == LONG:
                break
            store32(out + k, entry)
            k += length
            p += 1 + two
        left = size - p
        if left >= 8:
            x = load64(text + p)
        else:
            # A NUL follows: it is no continuation byte, so a character cut off by the end is malformed.
            store64(tail, 0)
            memcpy(tail, text + p, left)
            x = load64(tail)
        if not x & HIGHS:
            break
        b = x & 0xFF
        second = (x >> 8) & 0xFF
        if b < 0x80:
            point = b
            width = 1
        elif b < 0xE0:
            point = ((b & 0x1F) << 6) | (second & 0x3F)
            malformed |= (b < 0xC2) | ((second & 0xC0) != 0x80)
            width = 2
        elif b < 0xF0:
            point = ((b & 0x0F) << 12) | ((second & 0x3F) << 6) | ((x >> 16) & 0x3F)
            malformed |= (x & 0xC0C000) != 0x808000
            malformed |= (point < 0x800) | ((point & 0xF800) == 0xD800)
            width = 3
        else:
            point = ((b & 0x07) << 18) | ((second & 0x3F) << 12) | ((x >> 10) & 0xFC0) | ((x >> 24) & 0x3F)
            if b > 0xF4 or point > 0x10FFFF:
                return INVALID_UTF8
            malformed |= (x & HIGH_TWO) != HIGH_ONE
            malformed |= point < 0x10000
            width = 4
        if malformed:
            return INVALID_UTF8
        entry = entries[(cython.cast(uint32_t, index[point >> 8]) << 8) | (point & 0xFF)]
        code = entry & 7
        if code == COPY_UNSPACED:
            x = (x & (MAX64 >> (64 - 8 * width))) << 8
            store64(out + k, x | 1 | (cython.cast(uint64_t, 32) << (8 * width + 8)))
            k += width + 2
            unspaced = 1
        elif code == COPY:
            store32(out + k, cython.cast(uint32_t, x))
            k += width
        elif code == SEPARATOR:
            out[k] = 32
            k += 1
        elif code == HANGUL:
            if k + 3 * left + PAD > s.folded_room:
                return NO_ROOM
            point -= 0xAC00
            k = _put_jamo(out, k, 0x1100 + point // 588)
            k = _put_jamo(out, k, 0x1161 + point % 588 // 28)
            if point % 28:
                k = _put_jamo(out, k, 0x11A7 + point % 28)
        elif code != DROP:
            length = (entry >> 3) & 63
            if k + length + 3 * left + PAD > s.folded_room:
                return NO_ROOM
            if length <= 8:
                store64(out + k, load64(expansions + (entry >> 9)))
            else:
                memcpy(out + k, expansions + (entry >> 9), length)
            k += length
            if code == EXPAND_UNSPACED:
                unspaced = 1
        p += width
    if malformed:
        return INVALID_UTF8
    s.unspaced |= unspaced
    written[0] = k
    return p


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _put_jamo(out: u8p, k: cython.size_t, point: uint32_t) -> cython.size_t:
    out[k] = 0xE0 | (point >> 12)
    out[k + 1] = 0x80 | ((point >> 6) & 0x3F)
    out[k + 2] = 0x80 | (point & 0x3F)
    return k + 3


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _fold_once(text: cu8p, size: cython.size_t, s: cython.pointer[Scratch]) -> cython.Py_ssize_t:
    """Fold a text into `s.folded`, which has room for three times its bytes, unless it says NO_ROOM."""
    block: uint8_t[32]
    tail: uint8_t[32]
    out: u8p = s.folded
    source: cu8p
    i: cython.size_t = 0
    k: cython.size_t = 0
    word: cython.int
    byte: cython.int
    run: cython.int
    x: uint64_t
    end: cython.Py_ssize_t
    s.unspaced = 0
    while i < size:
        source = text + i
        run = 32
        if size - i < 32:
            run = cython.cast(cython.int, size - i)
            memset(tail, 32, 32)
            memcpy(tail, source, run)
            source = tail
        if (load64(source) | load64(source + 8) | load64(source + 16) | load64(source + 24)) & HIGHS:
            for word in range(4):
                x = load64(source + 8 * word) & HIGHS
                if x:
                    run = 8 * word + (ctz64(x) >> 3)
                    break
        _fold_block(source, block)
        x = (load64(block) - ONES) | (load64(block + 8) - ONES) | (load64(block + 16) - ONES)
        if (x | (load64(block + 24) - ONES)) & HIGHS:
            for byte in range(run):
                out[k] = block[byte]
                k += block[byte] != 0
        else:
            # Nothing is dropped: all bytes are ASCII, and none is 0.
            memcpy(out + k, block, 32)
            k += run
        i += run
        if run < 32 and i < size:
            end = _fold_run(text, size, i, s, cython.address(k))
            if end < 0:
                return end
            i = end
    s.folded_size = k
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _fold(text: cu8p, size: cython.size_t, s: cython.pointer[Scratch]) -> cython.Py_ssize_t:
    """Fold a text; tokens are apart by spaces, and one of an unspaced script stands between a byte 1 and a space."""
    status: cython.Py_ssize_t
    if size > MAX_TEXT:
        return TOO_LONG
    # Three bytes for one: a Hangul syllable becomes its letters. Few code points need more; for them, eleven.
    if _make_folded_room(s, 3 * size + 2 * PAD):
        return NO_MEMORY
    status = _fold_once(text, size, s)
    if status == NO_ROOM:
        if _make_folded_room(s, 12 * size + 2 * PAD):
            return NO_MEMORY
        status = _fold_once(text, size, s)
    if status < 0:
        return status
    memset(s.folded + s.folded_size, 32, 2 * PAD)
    return 0


# ----------------------------------------------------------------------------------------------------------- tokens


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _tokenise(s: cython.pointer[Scratch]) -> cython.int:
    """Write where the tokens of `s.folded` begin and end, in turn."""
    text: u8p = s.folded
    edges: u32p
    base: cython.size_t
    begun: cython.size_t = 0
    ended: cython.size_t = 0
    word: cython.size_t
    written: cython.size_t
    inside: uint64_t
    starts: uint64_t
    ends: uint64_t
    before: uint64_t = 0
    found: cython.size_t
    done: cython.size_t
    if _make_token_room(s, s.folded_size // 2 + 1):
        return NO_MEMORY
    edges = s.edges
    for base in range(0, s.folded_size + 1, 64):
        inside = token_bits(text + base)
        starts = (inside << 1) | before
        ends = starts & ~inside
        starts = inside & ~starts
        before = inside >> 63
        found = popcount64(starts)
        done = popcount64(ends)
        # Four at a time, beyond the last one too: a loop that ends after each would be mispredicted every time.
        for written in range(0, found if found > done else done, 4):
            for word in range(written, written + 4):
                edges[2 * (begun + word)] = cython.cast(uint32_t, base + ctz64(starts | TOP_BIT))
                edges[2 * (ended + word) + 1] = cython.cast(uint32_t, base + ctz64(ends | TOP_BIT))
                starts &= starts - 1
                ends &= ends - 1
        begun += found
        ended += done
    s.tokens = ended
    return 0


# ------------------------------------------------------------------------------------------------------------- XXH3


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _secret(offset: cython.size_t) -> uint64_t:
    return load64(cython.cast(cu8p, SECRET) + offset)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _avalanche(h: uint64_t) -> uint64_t:
    h ^= h >> 37
    h *= PRIME_MX1
    return h ^ (h >> 32)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _mix16(p: cu8p, offset: cython.size_t, seed: uint64_t) -> uint64_t:
    return mulfold(load64(p) ^ (_secret(offset) + seed), load64(p + 8) ^ (_secret(offset + 8) - seed))


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _xxh3_1to3(p: cu8p, size: cython.size_t, flip: uint64_t) -> uint64_t:
    h: uint64_t = (
        (cython.cast(uint64_t, p[0]) << 16)
        | (cython.cast(uint64_t, p[size >> 1]) << 24)
        | cython.cast(uint64_t, p[size - 1])
        | (size << 8)
    )
    h ^= flip
    h ^= h >> 33
    h *= PRIME64_2
    h ^= h >> 29
    h *= PRIME64_3
    return h ^ (h >> 32)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _xxh3_4to8(p: cu8p, size: cython.size_t, flip: uint64_t) -> uint64_t:
    h: uint64_t = cython.cast(uint64_t, load32(p + size - 4)) + (cython.cast(uint64_t, load32(p)) << 32)
    h ^= flip
    h ^= ((h << 49) | (h >> 15)) ^ ((h << 24) | (h >> 40))
    h *= PRIME_MX2
    h ^= (h >> 35) + size
    h *= PRIME_MX2
    return h ^ (h >> 28)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _xxh3_9to16(p: cu8p, size: cython.size_t, flip_low: uint64_t, flip_high: uint64_t) -> uint64_t:
    low: uint64_t = load64(p) ^ flip_low
    high: uint64_t = load64(p + size - 8) ^ flip_high
    return _avalanche(size + swap64(low) + high + mulfold(low, high))


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _xxh3_17to240(p: cu8p, size: cython.size_t, seed: uint64_t) -> uint64_t:
    acc: uint64_t = size * PRIME64_1
    i: cython.size_t
    if size <= 128:
        for i in range((size - 1) >> 5, 0, -1):
            acc += _mix16(p + 16 * i, 32 * i, seed) + _mix16(p + size - 16 * (i + 1), 32 * i + 16, seed)
        return _avalanche(acc + _mix16(p, 0, seed) + _mix16(p + size - 16, 16, seed))
    for i in range(8):
        acc += _mix16(p + 16 * i, 16 * i, seed)
    acc = _avalanche(acc)
    for i in range(8, size // 16):
        acc += _mix16(p + 16 * i, 16 * (i - 8) + 3, seed)
    return _avalanche(acc + _mix16(p + size - 16, 136 - 17, seed))


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _xxh3_long(p: cu8p, size: cython.size_t, seed: uint64_t) -> uint64_t:
    words: uint64_t[24]
    acc: uint64_t[8]
    secret: cu8p
    i: cython.size_t
    done: cython.size_t = 0
    h: uint64_t = size * PRIME64_1
    for i in range(12):
        words[2 * i] = SECRET[2 * i] + seed
        words[2 * i + 1] = SECRET[2 * i + 1] - seed
    secret = cython.cast(cu8p, words)
    acc[0] = PRIME32_3
    acc[1] = PRIME64_1
    acc[2] = PRIME64_2
    acc[3] = PRIME64_3
    acc[4] = PRIME64_4
    acc[5] = PRIME32_2
    acc[6] = PRIME64_5
    acc[7] = PRIME32_1
    # Blocks of 16 stripes of 64 bytes; the last stripe is counted from the end and may overlap.
    while done + 1024 < size:
        for i in range(16):
            stripe(acc, p + done + 64 * i, secret + 8 * i)
        for i in range(8):
            acc[i] = (acc[i] ^ (acc[i] >> 47) ^ load64(secret + 128 + 8 * i)) * PRIME32_1
        done += 1024
    for i in range((size - 1 - done) // 64):
        stripe(acc, p + done + 64 * i, secret + 8 * i)
    stripe(acc, p + size - 64, secret + 121)
    for i in range(4):
        h += mulfold(acc[2 * i] ^ load64(secret + 11 + 16 * i), acc[2 * i + 1] ^ load64(secret + 19 + 16 * i))
    return _avalanche(h)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _xxh3(p: cu8p, size: cython.size_t, seed: uint64_t) -> uint64_t:
    """XXH3-64 of the xxHash specification."""
    h: uint64_t
    if size > 240:
        return _xxh3_long(p, size, seed)
    if size > 16:
        return _xxh3_17to240(p, size, seed)
    if size > 8:
        return _xxh3_9to16(p, size, (_secret(24) ^ _secret(32)) + seed, (_secret(40) ^ _secret(48)) - seed)
    if size > 3:
        return _xxh3_4to8(p, size, _flip_4to8(seed))
    if size > 0:
        return _xxh3_1to3(p, size, _flip_1to3(seed))
    h = seed ^ _secret(56) ^ _secret(64)
    h ^= h >> 33
    h *= PRIME64_2
    h ^= h >> 29
    h *= PRIME64_3
    return h ^ (h >> 32)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _flip_1to3(seed: uint64_t) -> uint64_t:
    return ((_secret(0) & LOW32) ^ (_secret(0) >> 32)) + seed


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _flip_4to8(seed: uint64_t) -> uint64_t:
    # The seed's low word, its bytes swapped, goes into its high word.
    return (_secret(8) ^ _secret(16)) - (seed ^ ((swap64(seed) >> 32) << 32))


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _hash_tokens(s: cython.pointer[Scratch], seed: uint64_t) -> cython.void:
    """Hash every token; those of one length class in one loop, so that no branch depends on a word's length."""
    text: u8p = s.folded
    edges: u32p = s.edges
    hashes: u64p = s.hashes
    lists: u32p = s.classes
    room: cython.size_t = s.token_room
    short: cython.size_t = 0
    middle: cython.size_t = 0
    long: cython.size_t = 0
    longest: cython.size_t = 0
    i: cython.size_t
    t: cython.size_t
    start: cython.size_t
    size: cython.size_t
    flip: uint64_t
    flip_high: uint64_t
    for t in range(s.tokens):
        size = edges[2 * t + 1] - edges[2 * t]
        # Into all lists; what does not belong there is overwritten.
        lists[short] = cython.cast(uint32_t, t)
        lists[room + middle] = cython.cast(uint32_t, t)
        lists[2 * room + long] = cython.cast(uint32_t, t)
        lists[3 * room + longest] = cython.cast(uint32_t, t)
        short += size < 4
        middle += (size > 3) & (size < 9)
        long += (size > 8) & (size < 17)
        longest += size > 16
    flip = _flip_1to3(seed)
    for i in range(short):
        t = lists[i]
        start = edges[2 * t]
        hashes[t] = _xxh3_1to3(text + start, edges[2 * t + 1] - start, flip)
    flip = _flip_4to8(seed)
    for i in range(middle):
        t = lists[room + i]
        start = edges[2 * t]
        hashes[t] = _xxh3_4to8(text + start, edges[2 * t + 1] - start, flip)
    flip = (_secret(24) ^ _secret(32)) + seed
    flip_high = (_secret(40) ^ _secret(48)) - seed
    for i in range(long):
        t = lists[2 * room + i]
        start = edges[2 * t]
        hashes[t] = _xxh3_9to16(text + start, edges[2 * t + 1] - start, flip, flip_high)
    for i in range(longest):
        t = lists[3 * room + i]
        start = edges[2 * t]
        hashes[t] = _xxh3(text + start, edges[2 * t + 1] - start, seed)


# --------------------------------------------------------------------------------------------------------- shingles


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _mix(z: uint64_t) -> uint64_t:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): each bit of the input flips each bit with p = 1/2."""
    z = (z ^ (z >> 30)) * MIX_1
    z = (z ^ (z >> 27)) * MIX_2
    return z ^ (z >> 31)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _power(exponent: cython.size_t) -> uint64_t:
    result: uint64_t = 1
    i: cython.size_t
    for i in range(exponent):
        result *= BASE
    return result


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _hash_prefixes(s: cython.pointer[Scratch]) -> cython.void:
    """Hash the first 0, 1, ... tokens, for shingles of any width."""
    hashes: u64p = s.hashes
    prefixes: u64p = s.prefixes
    whole: uint64_t = 0
    square: uint64_t = _power(2)
    i: cython.size_t
    prefixes[0] = 0
    # Two tokens at a time: each step waits for the one before it. Behind the last token there is room.
    for i in range(0, s.tokens, 2):
        prefixes[i + 1] = whole * BASE + hashes[i]
        whole = whole * square + (hashes[i] * BASE + hashes[i + 1])
        prefixes[i + 2] = whole


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _shingle(s: cython.pointer[Scratch], width: cython.size_t, most: uint64_t) -> cython.void:
    """Hash every run of `width` tokens, twice as many from a token of an unspaced script on; keep the hashes up to
    `most`."""
    prefixes: u64p = s.prefixes
    shingles: u64p = s.shingles
    n: cython.size_t = s.tokens
    count: cython.size_t = 0
    runs: cython.size_t = 0
    i: cython.size_t
    size: cython.size_t = width if width < n else n
    value: uint64_t
    power: uint64_t = _power(width)
    if s.unspaced:
        for i in range(n):
            size = width
            value = power
            if s.folded[cython.cast(cython.Py_ssize_t, s.edges[2 * i]) - 1] == 1:
                size = 2 * width
                value = power * power
            if i + size <= n:
                runs += 1
                value = _mix(prefixes[i + size] - prefixes[i] * value)
                shingles[count] = value
                count += value <= most
        # All tokens are one shingle below, where there is no other.
        size = n
    if runs == 0 and n > 0:
        for i in range(size, n + 1):
            value = _mix(prefixes[i] - prefixes[i - size] * power)
            # Without a branch: at a random eighth of the places, one would be mispredicted.
            shingles[count] = value
            count += value <= most
    s.shingle_count = count


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _digest(s: cython.pointer[Scratch], seed: uint64_t) -> uint64_t:
    return _xxh3(cython.cast(cu8p, s.hashes), 8 * s.tokens, seed)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _read(text: cu8p, size: cython.size_t, s: cython.pointer[Scratch], seed: uint64_t) -> cython.int:
    """Take a text as far as it goes without a width of its shingles."""
    status: cython.Py_ssize_t = _fold(text, size, s)
    if status < 0:
        return cython.cast(cython.int, status)
    if _tokenise(s):
        return NO_MEMORY
    _hash_tokens(s, seed)
    _hash_prefixes(s)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _sort_unique(s: cython.pointer[Scratch]) -> cython.size_t:
    """Sort `s.shingles` and drop repeats; return how many stay."""
    counts: uint32_t[2048]
    out: u64p = s.shingles
    source: u64p = s.shingles
    target: u64p = s.sorting
    swap: u64p
    n: cython.size_t = s.shingle_count
    i: cython.size_t
    j: cython.size_t
    k: cython.size_t
    digits: cython.size_t
    total: uint32_t
    amount: uint32_t
    top: cython.int = 64
    bits: cython.int
    shift: cython.int
    value: uint64_t = 0
    last: uint64_t
    if n < 2:
        return n
    if n < 2048:
        # With as many digits as hashes few share one, and the last loop has next to nothing to move. What is below a cut
        # has no upper bits.
        for i in range(n):
            value |= source[i]
        bits = 1
        while n >> bits:
            bits += 1
        while top > bits and value >> (top - 1) == 0:
            top -= 1
        shift = top - bits
    else:
        # Whoever makes hashes agree in their upper bits must not gain much by it: the larger the text, the more bits it
        # is sorted by.
        bits = 8
        shift = 32 if n <= 65536 else 0
    digits = cython.cast(cython.size_t, 1) << bits
    while shift < top:
        memset(counts, 0, digits * cython.sizeof(uint32_t))
        for i in range(n):
            counts[(source[i] >> shift) & (digits - 1)] += 1
        total = 0
        for i in range(digits):
            amount = counts[i]
            counts[i] = total
            total += amount
        for i in range(n):
            value = source[i]
            k = (value >> shift) & (digits - 1)
            target[counts[k]] = value
            counts[k] += 1
        swap = source
        source = target
        target = swap
        shift += bits
    k = 0
    last = source[0]
    for i in range(1, n):
        value = source[i]
        out[k] = last
        if value >= last:
            k += value != last
            last = value
            continue
        j = k
        while j > 0 and out[j - 1] > value:
            j -= 1
        if j == 0 or out[j - 1] != value:
            memmove(out + j + 1, out + j, 8 * (k - j))
            out[j] = value
            k += 1
    out[k] = last
    return k + 1


# ----------------------------------------------------------------------------------------------------------- sketch


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _split(shingles: u64p, n: cython.size_t, lows: u32p, highs: u32p) -> cython.void:
    """Write the low and the high words of shingles apart, as the compiler needs them for vectors."""
    i: cython.size_t
    for i in range(n):
        lows[i] = cython.cast(uint32_t, shingles[i])
        highs[i] = cython.cast(uint32_t, shingles[i] >> 32)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _least_of_lanes(lows: u32p, highs: u32p, n: cython.size_t, lanes: cython.size_t, least: u32p) -> cython.void:
    """Write min(low + lane * high) over all shingles to `least[lane]`, by additions alone, four shingles at a time."""
    i: cython.size_t
    lane: cython.size_t
    best: uint32_t
    w: uint32_t
    x: uint32_t
    y: uint32_t
    z: uint32_t
    step_w: uint32_t
    step_x: uint32_t
    step_y: uint32_t
    step_z: uint32_t
    for lane in range(lanes):
        least[lane] = cython.cast(uint32_t, LOW32)
    # What stands behind the last shingles again is one of them: a minimum does not mind.
    for i in range(n, (n + 3) & ~cython.cast(cython.size_t, 3)):
        lows[i] = lows[n - 1]
        highs[i] = highs[n - 1]
    for i in range(0, n, 4):
        w = lows[i]
        x = lows[i + 1]
        y = lows[i + 2]
        z = lows[i + 3]
        step_w = highs[i]
        step_x = highs[i + 1]
        step_y = highs[i + 2]
        step_z = highs[i + 3]
        for lane in range(lanes):
            best = least[lane]
            best = w if w < best else best
            best = x if x < best else best
            best = y if y < best else best
            least[lane] = z if z < best else best
            w += step_w
            x += step_x
            y += step_y
            z += step_z


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _least_of_lane(lows: u32p, highs: u32p, n: cython.size_t, lane: uint32_t) -> uint32_t:
    """Return min(low + lane * high) over all shingles."""
    i: cython.size_t
    value: uint32_t
    best: uint32_t = cython.cast(uint32_t, LOW32)
    for i in range(n):
        value = lows[i] + lane * highs[i]
        best = value if value < best else best
    return best


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _sketch(s: cython.pointer[Scratch], slots: cython.pointer[Slots], signature: u32p) -> cython.void:
    """One-permutation MinHash; an empty slot takes the least of its own permutation of all shingles."""
    shingles: u64p = s.shingles
    lows: u32p = cython.cast(u32p, s.sorting)
    highs: u32p = lows + s.token_room + PAD
    bins: u64p = slots.bins
    empties: u32p = slots.empty
    n: cython.size_t = s.shingle_count
    count: cython.size_t = slots.count
    shift: cython.int = slots.shift
    i: cython.size_t
    slot: cython.size_t
    empty: cython.size_t = 0
    value: uint64_t
    old: uint64_t
    for slot in range(count):
        bins[slot] = MAX64
    for i in range(n):
        value = shingles[i]
        slot = value >> shift
        old = bins[slot]
        bins[slot] = value if value < old else old
    if n == 0:
        for slot in range(count):
            signature[slot] = cython.cast(uint32_t, LOW32)
    elif 10 * n < 7 * count:
        # More than half of the slots stay empty: all permutations at once, then the slots that are not empty.
        _split(shingles, n, lows, highs)
        _least_of_lanes(lows, highs, n, count, slots.least)
        for slot in range(count):
            signature[slot] = slots.least[slots.lane[slot]]
        for i in range(n):
            slot = shingles[i] >> shift
            if bins[slot] != MAX64:
                signature[slot] = cython.cast(uint32_t, bins[slot])
    else:
        for slot in range(count):
            empties[empty] = cython.cast(uint32_t, slot)
            empty += bins[slot] == MAX64
            signature[slot] = cython.cast(uint32_t, bins[slot])
        if n > 16 * count and empty > 0:
            # So many shingles leave a slot empty only when most are repeats, which every permutation would pass again.
            n = _sort_unique(s)
        _split(shingles, n, lows, highs)
        for i in range(empty):
            slot = empties[i]
            signature[slot] = _least_of_lane(lows, highs, n, slots.lane[slot])


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _make_slots(slots: cython.pointer[Slots], log2_slots: cython.int) -> cython.int:
    slot: cython.size_t
    count: cython.size_t = cython.cast(cython.size_t, 1) << log2_slots
    slots.count = count
    slots.shift = 64 - log2_slots
    slots.bins = cython.cast(u64p, malloc(count * (8 + 3 * 4)))
    if slots.bins == cython.NULL:
        return NO_MEMORY
    slots.empty = cython.cast(u32p, slots.bins + count)
    slots.lane = slots.empty + count
    slots.least = slots.lane + count
    for slot in range(count):
        slots.lane[slot] = cython.cast(uint32_t, (slot * (slot + 1) // 2) & (count - 1))
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _sample(s: cython.pointer[Scratch], width: cython.size_t, cut: uint64_t, least: cython.size_t) -> cython.size_t:
    """Leave the shingles below `cut` in `s.shingles`, sorted, without repeats; return how many.

    Where they are fewer than `least`, the `least` smallest stay.
    """
    found: cython.size_t
    _shingle(s, width, cut - 1)
    found = _sort_unique(s)
    if found < least:
        _shingle(s, width, MAX64)
        found = _sort_unique(s)
        found = found if found < least else least
    return found


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _append(sink: cython.pointer[Sink], values: u64p, count: cython.size_t) -> cython.int:
    """Write values behind those that are in the sink."""
    grown: u64p
    if count == 0:
        return 0
    if sink.size + count > sink.room:
        grown = cython.cast(u64p, realloc(sink.values, 8 * (2 * sink.room + count)))
        if grown == cython.NULL:
            return NO_MEMORY
        sink.values = grown
        sink.room = 2 * sink.room + count
    memcpy(sink.values + sink.size, values, 8 * count)
    sink.size += count
    return 0


def sketch_rows(
    addresses: cython.size_t,
    lengths: cython.size_t,
    start: cython.Py_ssize_t,
    stop: cython.Py_ssize_t,
    width: cython.size_t,
    seed: uint64_t,
    log2_slots: cython.int,
    signatures: cython.size_t,
    tokens: cython.size_t,
    shingles: cython.size_t,
    digests: cython.size_t,
    last_stage: cython.int = 5,
    wide: cython.size_t = 0,
    cut: uint64_t = 0,
    least: cython.size_t = 0,
    part: cython.size_t = 1,
    counts: cython.size_t = 0,
):
    """Sketch rows `start` to `stop`: uint32 signatures [n, K], uint32 token and shingle counts [n], uint64 digests [n].

    A row without a token gets a signature of all ones and the counts 0. `last_stage` stops earlier (1 fold, 2 tokens,
    3 hashes, 4 shingles), for measuring. Returns (status, row, samples): 0, INVALID_UTF8 (-1) or NO_MEMORY (-2).

    Where shingles of `wide` tokens are sampled too (`shingle_set_rows` says how), the samples come as native uint64, one
    after the other, and int64 `counts[row - start]` of each: at most `least` and one for `part` shingles.
    """
    s: Scratch
    slots: Slots
    sink: Sink
    texts: u64p = cython.cast(u64p, addresses)
    sizes: i64p = cython.cast(i64p, lengths)
    token_counts: u32p = cython.cast(u32p, tokens)
    shingle_counts: u32p = cython.cast(u32p, shingles)
    digest: u64p = cython.cast(u64p, digests)
    numbers: i64p = cython.cast(i64p, counts)
    row: cython.Py_ssize_t = start
    text: cu8p
    status: cython.Py_ssize_t
    found: cython.size_t
    room: cython.size_t
    samples: bytes = b""
    with cython.nogil:
        memset(cython.address(s), 0, cython.sizeof(Scratch))
        memset(cython.address(sink), 0, cython.sizeof(Sink))
        status = _make_slots(cython.address(slots), log2_slots)
        while status == 0 and row < stop:
            text = cython.cast(cu8p, cython.cast(cython.size_t, texts[row]))
            status = _fold(text, sizes[row], cython.address(s))
            if status == 0 and last_stage > 1:
                status = _tokenise(cython.address(s))
            if status == 0 and last_stage > 2:
                _hash_tokens(cython.address(s), seed)
            if status == 0 and last_stage > 3:
                _hash_prefixes(cython.address(s))
                _shingle(cython.address(s), width, MAX64)
                digest[row] = _digest(cython.address(s), seed)
                token_counts[row] = cython.cast(uint32_t, s.tokens)
                shingle_counts[row] = cython.cast(uint32_t, s.shingle_count)
            if status == 0 and last_stage > 4:
                _sketch(cython.address(s), cython.address(slots), cython.cast(u32p, signatures) + row * slots.count)
            if status == 0 and wide > 0:
                room = least + shingle_counts[row] // part
                found = _sample(cython.address(s), wide, cut, least)
                found = found if found < room else room
                numbers[row - start] = found
                status = _append(cython.address(sink), s.shingles, found)
            row += 1
        free(slots.bins)
        _release(cython.address(s))
    try:
        if status == 0 and sink.size > 0:
            samples = cython.cast(cython.p_char, sink.values)[: 8 * sink.size]
    finally:
        free(sink.values)
    return status, row - 1, samples


# ----------------------------------------------------------------------------------------------- shingles, one by one


def shingle_set_rows(
    addresses: cython.size_t,
    lengths: cython.size_t,
    rows: cython.size_t,
    start: cython.Py_ssize_t,
    stop: cython.Py_ssize_t,
    width: cython.size_t,
    seed: uint64_t,
    starts: cython.size_t,
    ends: cython.size_t,
    values: cython.size_t,
    counts: cython.size_t,
    cut: uint64_t = 0,
    least: cython.size_t = 0,
):
    """Write the sorted unique shingle hashes of the texts `rows[start:stop]` to `values[starts[i]:ends[i]]`, their
    number to `counts[i]`. Returns (status, i) as `sketch_rows` does, and NO_ROOM (-3).

    With a `cut`, those below it alone, or the `least` smallest where these are fewer; the largest of them stay away
    where there is no room.
    """
    s: Scratch
    texts: u64p = cython.cast(u64p, addresses)
    sizes: i64p = cython.cast(i64p, lengths)
    wanted: i64p = cython.cast(i64p, rows)
    places: i64p = cython.cast(i64p, starts)
    limits: i64p = cython.cast(i64p, ends)
    out: u64p = cython.cast(u64p, values)
    numbers: i64p = cython.cast(i64p, counts)
    i: cython.Py_ssize_t = start
    row: int64_t
    status: cython.int = 0
    found: cython.size_t
    room: cython.size_t
    with cython.nogil:
        memset(cython.address(s), 0, cython.sizeof(Scratch))
        while status == 0 and i < stop:
            row = wanted[i]
            status = _read(
                cython.cast(cu8p, cython.cast(cython.size_t, texts[row])),
                sizes[row],
                cython.address(s),
                seed,
            )
            if status == 0:
                room = cython.cast(cython.size_t, limits[i] - places[i])
                if cut > 0:
                    found = _sample(cython.address(s), width, cut, least)
                    found = found if found < room else room
                else:
                    _shingle(cython.address(s), width, MAX64)
                    found = _sort_unique(cython.address(s))
                if found > room:
                    status = NO_ROOM
                else:
                    memcpy(out + places[i], s.shingles, 8 * found)
                    numbers[i] = found
            i += 1
        _release(cython.address(s))
    return status, i - 1


def tokens_of(text: bytes, seed: uint64_t, width: cython.size_t):
    """Return (folded text, token hashes, shingle hashes, digest) of one text, the hashes as native uint64 bytes."""
    s: Scratch
    memset(cython.address(s), 0, cython.sizeof(Scratch))
    status: cython.int = _read(cython.cast(cu8p, PyBytes_AsString(text)), len(text), cython.address(s), seed)
    try:
        if status == NO_MEMORY:
            raise MemoryError
        if status < 0:
            return None
        _shingle(cython.address(s), width, MAX64)
        return (
            cython.cast(cython.p_char, s.folded)[: s.folded_size],
            cython.cast(cython.p_char, s.hashes)[: 8 * s.tokens],
            cython.cast(cython.p_char, s.shingles)[: 8 * s.shingle_count],
            _digest(cython.address(s), seed),
        )
    finally:
        _release(cython.address(s))


def equal_rows(
    addresses: cython.size_t,
    lengths: cython.size_t,
    left: cython.size_t,
    right: cython.size_t,
    start: cython.Py_ssize_t,
    stop: cython.Py_ssize_t,
    equal: cython.size_t,
):
    """Write to uint8 `equal[i]` whether texts `left[i]` and `right[i]` have the same tokens. Returns (status, i)."""
    a: Scratch
    b: Scratch
    texts: u64p = cython.cast(u64p, addresses)
    sizes: i64p = cython.cast(i64p, lengths)
    lefts: i64p = cython.cast(i64p, left)
    rights: i64p = cython.cast(i64p, right)
    out: u8p = cython.cast(u8p, equal)
    i: cython.Py_ssize_t = start
    status: cython.Py_ssize_t = 0
    with cython.nogil:
        memset(cython.address(a), 0, cython.sizeof(Scratch))
        memset(cython.address(b), 0, cython.sizeof(Scratch))
        while status == 0 and i < stop:
            status = _equal(
                cython.cast(cu8p, cython.cast(cython.size_t, texts[lefts[i]])),
                sizes[lefts[i]],
                cython.cast(cu8p, cython.cast(cython.size_t, texts[rights[i]])),
                sizes[rights[i]],
                cython.address(a),
                cython.address(b),
                out + i,
            )
            i += 1
        _release(cython.address(a))
        _release(cython.address(b))
    return status, i - 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _equal(
    left: cu8p,
    left_size: cython.size_t,
    right: cu8p,
    right_size: cython.size_t,
    a: cython.pointer[Scratch],
    b: cython.pointer[Scratch],
    equal: u8p,
) -> cython.Py_ssize_t:
    status: cython.Py_ssize_t
    t: cython.size_t
    size: cython.size_t
    if left_size == right_size and memcmp(left, right, left_size) == 0:
        equal[0] = 1
        return 0
    equal[0] = 0
    status = _fold(left, left_size, a)
    if status == 0:
        status = _fold(right, right_size, b)
    if status < 0:
        return status
    if _tokenise(a) or _tokenise(b):
        return NO_MEMORY
    if a.tokens != b.tokens:
        return 0
    for t in range(a.tokens):
        size = a.edges[2 * t + 1] - a.edges[2 * t]
        if size != b.edges[2 * t + 1] - b.edges[2 * t]:
            return 0
        if memcmp(a.folded + a.edges[2 * t], b.folded + b.edges[2 * t], size):
            return 0
    equal[0] = 1
    return 0


# -------------------------------------------------------------------------------------------------------- alignment


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _size(t: cython.pointer[Text], token: cython.size_t, width: cython.size_t) -> cython.size_t:
    """Return the tokens of the shingle that begins with a token: twice as many in an unspaced script."""
    return width << (t.weights[token] + 2 - t.weights[token + 1])


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _weight(t: cython.pointer[Text], start: cython.size_t, stop: cython.size_t) -> int64_t:
    """Return half words: two for a word, one for a character of an unspaced script."""
    return cython.cast(int64_t, t.weights[stop]) - t.weights[start]


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _slot(t: cython.pointer[Text], shingle: uint64_t) -> cython.size_t:
    """Return where in `t.table` a shingle stands, or the empty slot that says there is none."""
    slot: cython.size_t = shingle & t.mask
    while t.table[slot] and t.shingles[t.table[slot] - 1] != shingle:
        slot = (slot + 1) & t.mask
    return slot


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _lay_out(s: cython.pointer[Scratch], t: cython.pointer[Text], width: cython.size_t) -> cython.int:
    """Copy what alignments need of a text that was read to one block."""
    n: cython.size_t = s.tokens
    slots: cython.size_t = 1
    count: cython.size_t = 0
    slot: cython.size_t
    i: cython.size_t
    while slots < 2 * n + 1:
        slots *= 2
    t.room = 8 * (2 * n) + 4 * (slots + 4 * n + 1) + n + s.folded_size
    t.hashes = cython.cast(u64p, malloc(t.room))
    if t.hashes == cython.NULL:
        return NO_MEMORY
    t.shingles = t.hashes + n
    t.table = cython.cast(u32p, t.shingles + n)
    t.untils = t.table + slots
    t.edges = t.untils + n
    t.weights = t.edges + 2 * n
    t.names = cython.cast(u8p, t.weights + n + 1)
    t.folded = t.names + n
    t.tokens = n
    t.mask = slots - 1
    t.named = 0
    memcpy(t.hashes, s.hashes, 8 * n)
    memcpy(t.edges, s.edges, 8 * n)
    memcpy(t.folded, s.folded, s.folded_size)
    memset(t.table, 0, 4 * slots)
    t.weights[0] = 0
    for i in range(n):
        t.weights[i + 1] = t.weights[i] + 2 - (s.folded[cython.cast(cython.Py_ssize_t, s.edges[2 * i]) - 1] == 1)
        t.untils[i] = 0
        if i + _size(t, i, width) <= n:
            t.shingles[i] = s.shingles[count]
            count += 1
            slot = _slot(t, t.shingles[i])
            # What a text has again is no anchor.
            if t.table[slot] == 0:
                t.table[slot] = t.untils[i] = cython.cast(uint32_t, i + 1)
    # From each first place, how far all are first places.
    for i in range(n, 1, -1):
        if t.untils[i - 2] and t.untils[i - 1]:
            t.untils[i - 2] = t.untils[i - 1]
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _mark_names(s: cython.pointer[Text], capitals: cu8p) -> cython.void:
    """Write to `s.names[t]` whether token t begins with a capital inside a sentence, unless that is done."""
    text: cu8p = s.text
    size: cython.size_t = s.size
    p: cython.size_t = 0
    k: cython.size_t = 0
    t: cython.size_t = 0
    width: cython.size_t
    point: uint32_t
    entry: uint32_t
    code: uint32_t
    capital: uint32_t
    begins: cython.int = 1
    if s.named:
        return
    s.named = 1
    while p < size and t < s.tokens:
        # The text has been folded, so it is valid.
        point = text[p]
        width = 1
        if point >= 0xF0:
            point = ((point & 7) << 18) | ((text[p + 1] & 63) << 12) | ((text[p + 2] & 63) << 6) | (text[p + 3] & 63)
            width = 4
        elif point >= 0xE0:
            point = ((point & 15) << 12) | ((text[p + 1] & 63) << 6) | (text[p + 2] & 63)
            width = 3
        elif point >= 0x80:
            point = ((point & 31) << 6) | (text[p + 1] & 63)
            width = 2
        p += width
        entry = _entries[(cython.cast(uint32_t, _index[point >> 8]) << 8) | (point & 0xFF)]
        code = entry & 7
        if code == SEPARATOR:
            k += 1
        elif code == COPY:
            k += width
        elif code == COPY_UNSPACED:
            k += width + 2
        elif code == HANGUL:
            k += 9 if (point - 0xAC00) % 28 else 6
        elif code != DROP:
            k += (entry >> 3) & 63
        if s.edges[2 * t] < k:
            capital = point < CAPITALS and capitals[point] and not begins
            begins = 0
            while t < s.tokens and s.edges[2 * t] < k:
                s.names[t] = capital
                t += 1
        elif point == 10 or point == 13 or point == 33 or point == 46 or point == 58 or point == 63 or point == 0x2026:
            begins = 1
        if code == COPY:
            # No token begins at a letter behind one.
            while p < size and 97 <= text[p] <= 122:
                p += 1
                k += 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _find_runs(a: cython.pointer[Text], b: cython.pointer[Text], runs: cython.pointer[Run]) -> cython.size_t:
    """Write the runs of anchors, first places of shingles that both texts have, that are neighbours in both; return
    how many there are."""
    found: cython.size_t = 0
    i: cython.size_t = 0
    j: cython.size_t = 0
    k: cython.size_t
    place: cython.size_t
    while i < a.tokens:
        k = 1
        if a.untils[i]:
            # Most copies go on in step; where they do not, the shingle is looked for.
            if j >= b.tokens or b.untils[j] == 0 or a.shingles[i] != b.shingles[j]:
                place = b.table[_slot(b, a.shingles[i])]
                if place == 0:
                    i += 1
                    j += 1
                    continue
                j = place - 1
            while i + k < a.untils[i] and j + k < b.untils[j] and a.shingles[i + k] == b.shingles[j + k]:
                k += 1
            runs[found].left = cython.cast(uint32_t, i)
            runs[found].right = cython.cast(uint32_t, j)
            runs[found].count = cython.cast(uint32_t, k)
            found += 1
        i += k
        j += k
    return found


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _chain(runs: cython.pointer[Run], found: cython.size_t, tails: u64p, before: u64p) -> cython.size_t:
    """Find the longest chain of anchors that ascends in both texts; return its first run, or `found` without any.

    A run is cut to its anchors in the chain, which are its first ones, and knows which comes next.
    """
    length: cython.size_t = 0
    low: cython.size_t
    high: cython.size_t
    middle: cython.size_t
    r: cython.size_t
    k: cython.size_t
    last: uint64_t
    first: cython.size_t = found
    # A chain ends with an anchor: its right token, below that its run. Anchors of one run follow each other here too.
    for r in range(found):
        low = 0
        high = length
        while low < high:
            middle = (low + high) >> 1
            if tails[middle] >> 32 < runs[r].right:
                low = middle + 1
            else:
                high = middle
        before[r] = tails[low - 1] if low else MAX64
        for k in range(runs[r].count):
            tails[low + k] = (cython.cast(uint64_t, runs[r].right) + k) << 32 | r
        length = low + runs[r].count if low + runs[r].count > length else length
    last = tails[length - 1] if length else MAX64
    while last != MAX64:
        r = last & LOW32
        runs[r].count = cython.cast(uint32_t, (last >> 32) + 1 - runs[r].right)
        runs[r].next = cython.cast(uint32_t, first)
        first = r
        last = before[r]
    return first


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _has_digit(s: cython.pointer[Text], start: cython.size_t, stop: cython.size_t) -> cython.int:
    k: cython.size_t
    for k in range(start, stop):
        if cython.cast(uint32_t, s.folded[k]) - 48 <= 9:
            return 1
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _is_thousand(s: cython.pointer[Text], t: cython.size_t) -> cython.int:
    k: cython.size_t
    if s.edges[2 * t + 1] - s.edges[2 * t] != 3:
        return 0
    for k in range(s.edges[2 * t], s.edges[2 * t + 1]):
        if cython.cast(uint32_t, s.folded[k]) - 48 > 9:
            return 0
    return 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _numbers(
    s: cython.pointer[Text], start: cython.size_t, stop: cython.size_t, numbers: u64p, joined: u64p
) -> cython.int:
    """Hash the numbers in tokens that begin with one, as a bag and all digits in a row; return how many there are.

    A token of three digits behind another number goes on with it, as thousands do.
    """
    t: cython.size_t
    k: cython.size_t
    digit: uint32_t
    number: uint64_t = 0
    found: cython.int = 0
    numbers[0] = joined[0] = 0
    for t in range(start, stop):
        if cython.cast(uint32_t, s.folded[s.edges[2 * t]]) - 48 > 9:
            numbers[0] += _mix(number)
            number = 0
            continue
        if not (number and _is_thousand(s, t)):
            numbers[0] += _mix(number)
            number = 0
            found += 1
        for k in range(s.edges[2 * t], s.edges[2 * t + 1]):
            digit = cython.cast(uint32_t, s.folded[k]) - 48
            if digit <= 9:
                number = number * BASE + digit + 1
                joined[0] = joined[0] * BASE + digit + 1
            elif number:
                # Letters may stand between numbers, as a decimal point does.
                numbers[0] += _mix(number)
                number = 0
                found += 1 if _has_digit(s, k, s.edges[2 * t + 1]) else 0
    numbers[0] += _mix(number)
    return found


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _have_other_names(
    a: cython.pointer[Text],
    left: cython.size_t,
    left_end: cython.size_t,
    b: cython.pointer[Text],
    right: cython.size_t,
    right_end: cython.size_t,
) -> cython.int:
    i: cython.size_t
    j: cython.size_t
    lefts: cython.int = 0
    rights: cython.int = 0
    for i in range(left, left_end):
        lefts |= a.names[i]
    for j in range(right, right_end):
        rights |= b.names[j]
    if not lefts or not rights:
        return 0
    for i in range(left, left_end):
        for j in range(right, right_end):
            if a.names[i] and b.names[j] and a.hashes[i] == b.hashes[j]:
                return 0
    return 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _reach(t: cython.pointer[Text], start: cython.size_t, stop: cython.size_t, width: cython.size_t) -> cython.size_t:
    """Return where the shingles that begin with some tokens end: a short one may end inside a long one before it."""
    end: cython.size_t = stop
    reach: cython.size_t
    i: cython.size_t
    for i in range(start if start + width > stop else stop - width, stop):
        reach = i + _size(t, i, width)
        end = reach if reach > end else end
    return end


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _align(
    a: cython.pointer[Text],
    b: cython.pointer[Text],
    width: cython.size_t,
    capitals: cu8p,
    s: cython.pointer[Scratch],
    out: i64p,
) -> cython.void:
    """Walk two texts along their chain of anchors; write what `align_rows` says of a pair."""
    runs: cython.pointer[Run] = cython.cast(cython.pointer[Run], s.classes)
    found: cython.size_t = _find_runs(a, b, runs)
    left: cython.size_t = 0
    right: cython.size_t = 0
    stop: cython.size_t
    r: cython.size_t
    i: cython.size_t
    j: cython.size_t
    k: cython.size_t
    p: cython.size_t
    q: cython.size_t
    run: int64_t = 0
    end: cython.size_t
    numbers: uint64_t
    joined: uint64_t
    other_numbers: uint64_t
    other_joined: uint64_t
    count: cython.int
    others: cython.int
    memset(out, 0, 40)
    for r in range(found):
        i = runs[r].left + runs[r].count - 1
        run = _weight(a, runs[r].left, i + _size(a, i, width))
        out[1] = run if run > out[1] else out[1]
    run = 0
    # Behind the last run stand the ends of both texts.
    runs[found].left = cython.cast(uint32_t, a.tokens)
    runs[found].right = cython.cast(uint32_t, b.tokens)
    runs[found].count = 0
    r = _chain(runs, found, s.sorting, s.prefixes)
    while True:
        i = runs[r].left
        j = runs[r].right
        stop = i + runs[r].count
        # Anchors inside what is walked already go on in step, or are passed over.
        if i + right != j + left:
            while i < left or j < right:
                i += 1
                j += 1
        if i < stop or r == found:
            end = _reach(a, i, stop, width)
            if i >= left:
                p = left
                q = right
                while p < i and q < j and a.hashes[p] == b.hashes[q]:
                    p += 1
                    q += 1
                run += _weight(a, left, p)
                left = i
                right = j
                while left > p and right > q and a.hashes[left - 1] == b.hashes[right - 1]:
                    left -= 1
                    right -= 1
                if left > p or right > q:
                    out[0] += run
                    out[1] = run if run > out[1] else out[1]
                    run = 0
                    out[2] += 1
                    if left > p and right > q and _weight(a, p, left) <= FACT and _weight(b, q, right) <= FACT:
                        count = _numbers(a, p, left, cython.address(numbers), cython.address(joined))
                        others = _numbers(b, q, right, cython.address(other_numbers), cython.address(other_joined))
                        # As many numbers: a time, a date or a sum that is written otherwise has more or fewer.
                        if count and count == others and numbers != other_numbers and joined != other_joined:
                            out[3] += 1
                        else:
                            # Most pairs have no place for a name.
                            _mark_names(a, capitals)
                            _mark_names(b, capitals)
                            out[4] += _have_other_names(a, p, left, b, q, right)
            if end > left:
                run += _weight(a, left, end)
                right += end - left
                left = end
        if r == found:
            break
        r = runs[r].next
    out[0] += run
    out[1] = run if run > out[1] else out[1]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _keep(
    t: cython.pointer[Text],
    address: uint64_t,
    size: cython.size_t,
    s: cython.pointer[Scratch],
    width: cython.size_t,
    seed: uint64_t,
    held: cython.pointer[cython.size_t],
) -> cython.int:
    """Read a text, unless it is kept from an earlier pair."""
    status: cython.int
    if t.hashes != cython.NULL:
        return 0
    t.text = cython.cast(cu8p, cython.cast(cython.size_t, address))
    t.size = size
    status = _read(t.text, size, s, seed)
    if status < 0:
        return status
    _shingle(s, width, MAX64)
    if _lay_out(s, t, width):
        return NO_MEMORY
    held[0] += t.room
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _let_go(t: cython.pointer[Text], held: cython.pointer[cython.size_t]) -> cython.void:
    """Keep a text for its next pair, if there is one and room for it."""
    t.pairs -= 1
    if t.pairs == 0 or held[0] > HELD:
        held[0] -= t.room
        free(t.hashes)
        t.hashes = cython.NULL
        t.room = 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _comes_first(a: cython.pointer[Text], b: cython.pointer[Text]) -> cython.int:
    """Tell whether a text has fewer tokens than another, or as many and the smaller hash where they first differ."""
    t: cython.size_t
    if a.tokens != b.tokens:
        return a.tokens < b.tokens
    for t in range(a.tokens):
        if a.hashes[t] != b.hashes[t]:
            return a.hashes[t] < b.hashes[t]
    return 0


def align_rows(
    addresses: cython.size_t,
    lengths: cython.size_t,
    count: cython.size_t,
    left: cython.size_t,
    right: cython.size_t,
    start: cython.Py_ssize_t,
    stop: cython.Py_ssize_t,
    width: cython.size_t,
    seed: uint64_t,
    capitals: bytes,
    alignments: cython.size_t,
):
    """Write five numbers of each pair of `count` texts to int64 `alignments[i]`: see `align` of the twins.

    `capitals` has a byte for each code point below CAPITALS: whether it is a capital. Returns (status, i).
    """
    s: Scratch
    a: cython.pointer[Text]
    b: cython.pointer[Text]
    kept: cython.pointer[Text]
    row: cython.size_t
    held: cython.size_t = 0
    texts: u64p = cython.cast(u64p, addresses)
    sizes: i64p = cython.cast(i64p, lengths)
    lefts: i64p = cython.cast(i64p, left)
    rights: i64p = cython.cast(i64p, right)
    upper: cu8p = cython.cast(cu8p, PyBytes_AsString(capitals))
    out: i64p = cython.cast(i64p, alignments)
    i: cython.Py_ssize_t = start
    status: cython.int = 0
    with cython.nogil:
        memset(cython.address(s), 0, cython.sizeof(Scratch))
        kept = cython.cast(cython.pointer[Text], calloc(count + 1, cython.sizeof(Text)))
        if kept == cython.NULL:
            status = NO_MEMORY
            count = 0
        for i in range(start, stop if count else start):
            kept[lefts[i]].pairs += 1
            kept[rights[i]].pairs += 1
        i = start
        while status == 0 and i < stop:
            a = kept + lefts[i]
            b = kept + rights[i]
            status = _keep(a, texts[lefts[i]], sizes[lefts[i]], cython.address(s), width, seed, cython.address(held))
            if status == 0:
                status = _keep(
                    b, texts[rights[i]], sizes[rights[i]], cython.address(s), width, seed, cython.address(held)
                )
            if status == 0:
                # The same pair gives the same numbers, whichever is the left one.
                if _comes_first(b, a):
                    _align(b, a, width, upper, cython.address(s), out + 5 * i)
                else:
                    _align(a, b, width, upper, cython.address(s), out + 5 * i)
                _let_go(a, cython.address(held))
                _let_go(b, cython.address(held))
            i += 1
        # After a fault, some are kept still.
        for row in range(count):
            free(kept[row].hashes)
        free(kept)
        _release(cython.address(s))
    return status, i - 1


def hash_rows(
    addresses: cython.size_t,
    lengths: cython.size_t,
    start: cython.Py_ssize_t,
    stop: cython.Py_ssize_t,
    seed: uint64_t,
    hashes: cython.size_t,
):
    """Write XXH3-64 of the raw bytes of each row to uint64 `hashes[row]`."""
    texts: u64p = cython.cast(u64p, addresses)
    sizes: i64p = cython.cast(i64p, lengths)
    out: u64p = cython.cast(u64p, hashes)
    row: cython.Py_ssize_t
    with cython.nogil:
        for row in range(start, stop):
            out[row] = _xxh3(cython.cast(cu8p, cython.cast(cython.size_t, texts[row])), sizes[row], seed)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _begins_with(p: cu8p, end: cu8p, starts: cu8p, starts_size: cython.size_t) -> cython.int:
    """Tell whether one of the strings in `starts` (each behind a byte that holds its length) stands at `p`."""
    at: cython.size_t = 0
    size: cython.size_t
    while p < end and (p[0] == 32 or p[0] == 9):
        p += 1
    while at < starts_size:
        size = starts[at]
        if cython.cast(cython.size_t, end - p) >= size and memcmp(p, starts + at + 1, size) == 0:
            return 1
        at += size + 1
    return 0


def cue_rows(
    addresses: cython.size_t,
    lengths: cython.size_t,
    start: cython.Py_ssize_t,
    stop: cython.Py_ssize_t,
    marks: bytes,
    starts: bytes,
    found: cython.size_t,
):
    """Write to uint8 `found[row]` whether a text has one of the bytes `marks`, or a line that begins with one of
    `starts`, or begins with a byte that is no printing ASCII, so that somebody must look."""
    texts: u64p = cython.cast(u64p, addresses)
    sizes: i64p = cython.cast(i64p, lengths)
    out: u8p = cython.cast(u8p, found)
    mark: cu8p = cython.cast(cu8p, PyBytes_AsString(marks))
    start_list: cu8p = cython.cast(cu8p, PyBytes_AsString(starts))
    mark_count: cython.size_t = len(marks)
    starts_size: cython.size_t = len(starts)
    row: cython.Py_ssize_t
    i: cython.size_t
    p: cu8p
    end: cu8p
    hit: uint8_t
    with cython.nogil:
        for row in range(start, stop):
            p = cython.cast(cu8p, cython.cast(cython.size_t, texts[row]))
            end = p + sizes[row]
            hit = 0
            if p < end:
                hit = p[0] <= 32 or p[0] >= 127
                for i in range(mark_count):
                    hit |= memchr(p, mark[i], end - p) != cython.NULL
            while not hit and p < end:
                hit = _begins_with(p, end, start_list, starts_size)
                p = cython.cast(cu8p, memchr(p, 10, end - p))
                if p == cython.NULL:
                    break
                p += 1
            out[row] = hit


def read_strings(texts: list, addresses: cython.size_t, lengths: cython.size_t):
    """Write where the UTF-8 of each str stands and how long it is; return what must be kept alive meanwhile.

    ASCII strings are read in place. Others are encoded apart: to ask them for UTF-8 would leave a copy in each. A lone
    surrogate becomes a question mark, which folds to a separator as the surrogate does.
    """
    places: u64p = cython.cast(u64p, addresses)
    sizes: i64p = cython.cast(i64p, lengths)
    kept: list = []
    size: cython.Py_ssize_t
    i: cython.Py_ssize_t
    for i in range(len(texts)):
        text = texts[i]
        if text.isascii():
            places[i] = cython.cast(
                uint64_t, cython.cast(cython.size_t, PyUnicode_AsUTF8AndSize(text, cython.address(size)))
            )
            sizes[i] = size
        else:
            raw: bytes = text.encode("utf-8", "replace")
            kept.append(raw)
            places[i] = cython.cast(uint64_t, cython.cast(cython.size_t, PyBytes_AsString(raw)))
            sizes[i] = len(raw)
    return kept


# --------------------------------------------------------------------------------------------------------- matching


def band_keys(
    signatures: cython.size_t,
    slots: cython.size_t,
    start: cython.Py_ssize_t,
    stop: cython.Py_ssize_t,
    first: cython.size_t,
    rows: cython.size_t,
    keys: cython.size_t,
):
    """Write the uint64 key of the band of `rows` slots from slot `first` on to `keys[row]`, for rows `start` to `stop`."""
    signature: u32p
    out: u64p = cython.cast(u64p, keys)
    key: uint64_t
    row: cython.Py_ssize_t
    i: cython.size_t
    with cython.nogil:
        for row in range(start, stop):
            signature = cython.cast(u32p, signatures) + row * slots + first
            key = first + 1
            for i in range(rows):
                key = key * BASE + signature[i]
            out[row] = _mix(key)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _shared_by_search(a: u64p, a_end: u64p, b: u64p, b_end: u64p) -> int64_t:
    """Return how many values of a small sorted set are in a large one: steps that double, then halves, from each to the
    next (Bentley and Yao, "An almost optimal algorithm for unbounded searching", 1976).
    """
    total: int64_t = 0
    step: cython.Py_ssize_t
    room: cython.Py_ssize_t
    x: uint64_t
    while a < a_end and b < b_end:
        x = a[0]
        room = b_end - b
        step = 1
        while step < room and b[step] < x:
            step *= 2
        room = step if step < room else room
        # Below `b` all is smaller; what is sought stands in the next `room` places, or just behind them.
        while room > 0:
            step = room >> 1
            if b[step] < x:
                b += step + 1
                room -= step + 1
            else:
                room = step
        total += b < b_end and b[0] == x
        a += 1
    return total


def intersect_rows(
    values: cython.size_t,
    starts: cython.size_t,
    counts: cython.size_t,
    left: cython.size_t,
    right: cython.size_t,
    start: cython.Py_ssize_t,
    stop: cython.Py_ssize_t,
    shared: cython.size_t,
):
    """Write how many values the sorted sets `left[i]` and `right[i]` share to int64 `shared[i]`."""
    places: i64p = cython.cast(i64p, starts)
    numbers: i64p = cython.cast(i64p, counts)
    lefts: i64p = cython.cast(i64p, left)
    rights: i64p = cython.cast(i64p, right)
    out: i64p = cython.cast(i64p, shared)
    a: u64p
    b: u64p
    a_end: u64p
    b_end: u64p
    x: uint64_t
    y: uint64_t
    total: int64_t
    i: cython.Py_ssize_t
    with cython.nogil:
        for i in range(start, stop):
            a = cython.cast(u64p, values) + places[lefts[i]]
            b = cython.cast(u64p, values) + places[rights[i]]
            a_end = a + numbers[lefts[i]]
            b_end = b + numbers[rights[i]]
            total = 0
            # One page may hold thousands of short texts: whole passes over it would be quadratic.
            if numbers[lefts[i]] > 16 * numbers[rights[i]]:
                total = _shared_by_search(b, b_end, a, a_end)
                a = a_end
            elif numbers[rights[i]] > 16 * numbers[lefts[i]]:
                total = _shared_by_search(a, a_end, b, b_end)
                a = a_end
            while a < a_end and b < b_end:
                x = a[0]
                y = b[0]
                total += x == y
                a += x <= y
                b += y <= x
            out[i] = total


def permute_rows(
    hashes: cython.size_t,
    offsets: cython.size_t,
    start: cython.Py_ssize_t,
    stop: cython.Py_ssize_t,
    scheme: cython.int,
    multipliers: cython.size_t,
    increments: cython.size_t,
    slots: cython.size_t,
    signatures: cython.size_t,
):
    """K-permutation MinHash of the token hashes `hashes[offsets[i]:offsets[i + 1]]`, as datasketch 2 computes it.

    Scheme 0 is "legacy" (uint64 out), 1 "affine32" (uint32 out, the parameters are uint32), 2 "affine64" (uint64 out).
    """
    tokens: u64p = cython.cast(u64p, hashes)
    places: i64p = cython.cast(i64p, offsets)
    a64: u64p = cython.cast(u64p, multipliers)
    c64: u64p = cython.cast(u64p, increments)
    a32: u32p = cython.cast(u32p, multipliers)
    c32: u32p = cython.cast(u32p, increments)
    out64: u64p
    out32: u32p
    row: cython.Py_ssize_t
    slot: cython.size_t
    i: int64_t
    x: uint64_t
    value: uint64_t
    x32: uint32_t
    value32: uint32_t
    with cython.nogil:
        for row in range(start, stop):
            if scheme == 1:
                out32 = cython.cast(u32p, signatures) + row * slots
                for slot in range(slots):
                    out32[slot] = cython.cast(uint32_t, LOW32)
                for i in range(places[row], places[row + 1]):
                    x32 = cython.cast(uint32_t, tokens[i])
                    x32 = (x32 ^ (x32 >> 16)) * FMIX32_1
                    x32 = (x32 ^ (x32 >> 13)) * FMIX32_2
                    x32 ^= x32 >> 16
                    for slot in range(slots):
                        value32 = x32 * a32[slot] + c32[slot]
                        out32[slot] = value32 if value32 < out32[slot] else out32[slot]
                continue
            out64 = cython.cast(u64p, signatures) + row * slots
            for slot in range(slots):
                out64[slot] = LOW32 if scheme == 0 else MAX64
            for i in range(places[row], places[row + 1]):
                x = tokens[i]
                if scheme == 2:
                    x = (x ^ (x >> 33)) * FMIX64_1
                    x = (x ^ (x >> 33)) * FMIX64_2
                    x ^= x >> 33
                for slot in range(slots):
                    value = x * a64[slot] + c64[slot]
                    if scheme == 0:
                        # The remainder by 2^61 - 1: fold the top bits back, then subtract once.
                        value = (value & MERSENNE_61) + (value >> 61)
                        value = value - MERSENNE_61 if value >= MERSENNE_61 else value
                        value &= LOW32
                    out64[slot] = value if value < out64[slot] else out64[slot]


# --------------------------------------------------------------------------------------------------------- postings


def probe_filters(
    keys: cython.size_t,
    n: cython.size_t,
    runs: cython.size_t,
    run_count: cython.size_t,
    masks: cython.size_t,
    lists: cython.size_t,
):
    """Write to int64 `lists` [3, run_count * n] where runs may have keys of 40 bits, run by run; return how many.

    A list is the place of a key, that of a run, and a page, counted through all runs. A run is four words of `runs`:
    the places of its filter and its address, the address of its directory and the pages. Returns -1 for a larger key.
    """
    key: u64p = cython.cast(u64p, keys)
    run: u64p = cython.cast(u64p, runs)
    which: i64p = cython.cast(i64p, lists)
    run_of: i64p = which + run_count * n
    page: i64p = run_of + run_count * n
    word: u64p
    mask: u64p
    directory: u64p
    over: uint64_t = 0
    low: uint64_t
    first: int64_t = 0
    at: int64_t
    half: int64_t
    size: int64_t
    r: cython.size_t
    i: cython.size_t
    count: cython.size_t = 0
    with cython.nogil:
        for i in range(n):
            over |= key[i] >> 40
        for r in range(run_count if over == 0 else 0):
            for i in range(n):
                mask = cython.cast(u64p, masks) + 2 * (key[i] * BASE >> 50)
                word = cython.cast(u64p, run[1]) + 2 * ((key[i] >> 8) * run[0] >> 32)
                # One branch that is seldom taken: the words of many keys are fetched at a time.
                if ((mask[0] & ~word[0]) | (mask[1] & ~word[1])) != 0:
                    continue
                directory = cython.cast(u64p, run[2])
                low = key[i] << 24
                at = 0
                size = run[3]
                while size > 1:
                    half = size >> 1
                    at += half * (directory[at + half] <= low)
                    size -= half
                which[count] = i
                run_of[count] = r
                page[count] = first + at
                count += 1
            first += run[3]
            run += 4
    return -1 if over else count


def search_lists(
    entries: cython.size_t,
    entry_count: int64_t,
    lists: cython.size_t,
    n: cython.size_t,
    keys: cython.size_t,
    key_count: int64_t,
    found: cython.size_t,
    room: int64_t,
    goes_on: cython.size_t,
):
    """Search each of the `lists` (see native.py), int64 [5, n], for a range of the `keys`; return how much it finds.

    Writes the first `room` of it to int64 `found`, the place of the key above the number, and to uint8 `goes_on`
    whether the list ends before a key larger than its last. Returns -1 when a list is out of bounds.
    """
    entry: u64p = cython.cast(u64p, entries)
    key: u64p = cython.cast(u64p, keys)
    first: i64p = cython.cast(i64p, lists)
    last: i64p = first + n
    start: i64p = last + n
    stop: i64p = start + n
    base: i64p = stop + n
    out: i64p = cython.cast(i64p, found)
    on: u8p = cython.cast(u8p, goes_on)
    at: int64_t
    half: int64_t
    size: int64_t
    which: int64_t
    total: int64_t = 0
    i: cython.size_t
    with cython.nogil:
        for i in range(n):
            if first[i] < 0 or last[i] > key_count or start[i] < 0 or start[i] > stop[i] or stop[i] > entry_count:
                total = -1
                break
            at = stop[i]
            for which in range(first[i], last[i]):
                at = start[i]
                size = stop[i] - at
                while size > 0:
                    half = (size + 1) >> 1
                    at += half * (entry[at + half - 1] >> 24 < key[which])
                    size -= half
                while at < stop[i] and entry[at] >> 24 == key[which] and entry[at] != MAX64:
                    if total < room:
                        out[total] = (which << 40) + base[i] + cython.cast(int64_t, entry[at] & 0xFFFFFF)
                    total += 1
                    at += 1
            on[i] = at == stop[i] or entry[at] == MAX64
    return total


# ------------------------------------------------------------------------------------------------------- clustering


def choose_canonicals(
    offsets: cython.size_t,
    neighbours: cython.size_t,
    scores: cython.size_t,
    documents: int64_t,
    canonicals: cython.size_t,
):
    """Greedy maximal independent set; then each other document joins the canonical neighbour of the highest score.

    Documents are numbered in keep order; those linked to document i are `neighbours[offsets[i]:offsets[i + 1]]`, with
    float64 `scores`. Writes the canonical of each document (itself, for a canonical) to int64 `canonicals`. Of equal
    scores the earlier canonical wins.
    """
    places: i64p = cython.cast(i64p, offsets)
    others: i64p = cython.cast(i64p, neighbours)
    score: cython.pointer[cython.double] = cython.cast(cython.pointer[cython.double], scores)
    out: i64p = cython.cast(i64p, canonicals)
    i: int64_t
    k: int64_t
    other: int64_t
    best: int64_t
    with cython.nogil:
        for i in range(documents):
            out[i] = i
            for k in range(places[i], places[i + 1]):
                other = others[k]
                if other < i and out[other] == other:
                    out[i] = -1
                    break
        for i in range(documents):
            if out[i] != -1:
                continue
            best = -1
            for k in range(places[i], places[i + 1]):
                other = others[k]
                if out[other] != other:
                    continue
                if best < 0 or score[k] > score[best] or (score[k] == score[best] and other < others[best]):
                    best = k
            # Marked so that it is not taken for a canonical, nor looked at again, until all have chosen.
            out[i] = -2 - others[best]
        for i in range(documents):
            if out[i] < -1:
                out[i] = -2 - out[i]
