# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: freethreading_compatible=True
"""The second native kernel: the blocks of a page, what is seen of each, and how much each looks like the story.

A block is a line that is not blank, without the space at its ends. What is seen of it are whole numbers, so that the
score is the same on every machine. `reference_blocks.py` says the same in readable Python; tests hold the two equal.
"""

import cython
from cython.cimports.cpython.bytes import PyBytes_AsString, PyBytes_FromStringAndSize
from cython.cimports.libc.stdint import int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from cython.cimports.libc.stdlib import free, malloc
from cython.cimports.libc.string import memchr, memcpy, memset


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _lower(point: uint32_t) -> uint32_t:
    """Return the lower-case letter of a Latin, Greek or Cyrillic capital, and any other code point as it is."""
    if point < 0x80:
        return point + 32 if 65 <= point <= 90 else point
    if point < 0xC0:
        return point
    if point < 0x100:
        return point + 32 if point <= 0xDE and point != 0xD7 else point
    if point < 0x180:
        if point == 0x130:
            return 105
        if point < 0x138 or 0x14A <= point < 0x178:
            return point | 1
        if 0x139 <= point <= 0x148 or 0x179 <= point <= 0x17E:
            return point + (point & 1)
        return point
    if 0x391 <= point <= 0x3A9 or 0x410 <= point <= 0x42F:
        return point + 32
    if 0x400 <= point <= 0x40F:
        return point + 80
    return point


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _class(point: uint32_t) -> cython.int:
    """Return what a code point is: SPACE, LETTER, CAPITAL, DIGIT, MARK (any other sign) or IDEOGRAPH."""
    if point < 0x80:
        if 97 <= point <= 122:
            return LETTER
        if point <= 32:
            return SPACE
        if 65 <= point <= 90:
            return CAPITAL
        return DIGIT if 48 <= point <= 57 else MARK
    if point < 0x370:
        if point == 0xA0:
            return SPACE
        if point < 0xC0:
            return LETTER if point == 0xAA or point == 0xB5 or point == 0xBA else MARK
        if point == 0xD7 or point == 0xF7:
            return MARK
        return CAPITAL if _lower(point) != point else LETTER
    if point < 0x530:
        return CAPITAL if _lower(point) != point else LETTER
    if point < 0x2000:
        if 0x0E01 <= point < 0x0E80:
            return IDEOGRAPH
        if point == 0x060C or point == 0x061B or point == 0x061F or point == 0x06D4 or point == 0x0964:
            return MARK
        return LETTER
    if point < 0x2C00:
        return SPACE if point <= 0x200A or point == 0x202F else MARK
    if point < 0x3040:
        if point == 0x3000:
            return SPACE
        return MARK if point > 0x3000 else LETTER
    if point < 0xA000:
        return IDEOGRAPH
    if 0xFF00 <= point <= 0xFF65:
        return LETTER if 0xFF21 <= point <= 0xFF3A or 0xFF41 <= point <= 0xFF5A else MARK
    if 0x1F000 <= point < 0x20000:
        return MARK
    return IDEOGRAPH if point >= 0x20000 else LETTER


@cython.cfunc
@cython.exceptval(check=False)
def _fill_ascii() -> cython.void:
    point: uint32_t
    for point in range(0x80):
        _ascii[point] = _class(point)
    for point in range(0x80, 0x100):
        _ascii[point] = MARK
    for point in range(8):
        _factors[point] = FNV_PRIME_32
        _factors[8 + point] = 1


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _point(p: cu8p, end: cu8p, size: cython.pointer[cython.size_t]) -> uint32_t:
    """Return the code point at `p` and how many bytes it has; never reads at `end` or behind it."""
    first: uint32_t = p[0]
    left: cython.size_t = end - p
    if first < 0x80:
        size[0] = 1
        return first
    if first < 0xE0:
        if left >= 2:
            size[0] = 2
            return (first & 31) << 6 | (p[1] & 63)
    elif first < 0xF0:
        if left >= 3:
            size[0] = 3
            return (first & 15) << 12 | (cython.cast(uint32_t, p[1]) & 63) << 6 | (p[2] & 63)
    elif left >= 4:
        size[0] = 4
        return (
            (first & 7) << 18
            | (cython.cast(uint32_t, p[1]) & 63) << 12
            | (cython.cast(uint32_t, p[2]) & 63) << 6
            | (p[3] & 63)
        )
    size[0] = 1
    return 0xFFFD


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _put(out: u8p, k: cython.size_t, point: uint32_t) -> cython.size_t:
    """Write a code point as UTF-8 at `out + k` and return the place behind it."""
    if point < 0x80:
        out[k] = point
        return k + 1
    if point < 0x800:
        out[k] = 0xC0 | point >> 6
        out[k + 1] = 0x80 | (point & 63)
        return k + 2
    if point < 0x10000:
        out[k] = 0xE0 | point >> 12
        out[k + 1] = 0x80 | (point >> 6 & 63)
        out[k + 2] = 0x80 | (point & 63)
        return k + 3
    out[k] = 0xF0 | point >> 18
    out[k + 1] = 0x80 | (point >> 12 & 63)
    out[k + 2] = 0x80 | (point >> 6 & 63)
    out[k + 3] = 0x80 | (point & 63)
    return k + 4


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _is_quote(point: uint32_t) -> cython.bint:
    return point == 34 or point == 0xAB or point == 0xBB or 0x201C <= point <= 0x201F or 0x300C <= point <= 0x300F


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _is_closer(point: uint32_t) -> cython.bint:
    return _is_quote(point) or point == 39 or point == 41 or point == 93 or 0x2018 <= point <= 0x2019


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _is_stop(point: uint32_t) -> cython.bint:
    """Tell whether a sentence can end with it."""
    return (
        point == 46
        or point == 33
        or point == 63
        or point == 0x2026
        or point == 0x3002
        or point == 0xFF01
        or point == 0xFF1F
        or point == 0x061F
        or point == 0x06D4
        or point == 0x0964
    )


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _mix_byte(hash_: uint32_t, byte: uint8_t) -> uint32_t:
    return (hash_ ^ byte) * FNV_PRIME_32


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _mix_some(hash_: uint32_t, eight: uint64_t, n: cython.size_t) -> uint32_t:
    """Mix in the first `n` of eight bytes; the others are 0. A loop that ends in a different place each time is slower."""
    factors: cython.pointer[uint32_t] = _factors + 8 - n
    i: cython.int
    for i in range(8):
        hash_ = (hash_ ^ cython.cast(uint8_t, eight >> 8 * i)) * factors[i]
    return hash_


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _letters(eight: uint64_t) -> uint64_t:
    """Return a 1 in each of eight bytes that stands before the first that is no small letter of ASCII."""
    low: uint64_t = eight & ~HIGHS
    # A high bit in each byte that is none.
    others: uint64_t = ~(low + 31 * ONES & ~(low + 5 * ONES) & ~eight) & HIGHS
    return (others - 1 & ~others) >> 7 & ONES


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _end_word(
    s: cython.pointer[Page], c: cython.pointer[Counts], word: cython.pointer[Unit], k: cython.size_t
) -> cython.void:
    """Note the word that ends at the place `k` of the folded block, if there is one, and make ready for the next."""
    if word.chars:
        word.end = k
        s.units[s.units_used] = word[0]
        s.units_used += 1
        c.whole = (c.whole ^ word.hash) * FNV_PRIME_32
        word.hash = FNV_32
        word.chars = 0
        word.has_digit = False


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _note_sign(
    s: cython.pointer[Page], kind: cython.int, start: cython.size_t, end: cython.size_t
) -> cython.pointer[Unit]:
    """Note a mark or an ideograph of the folded block."""
    unit: cython.pointer[Unit] = s.units + s.units_used
    unit.kind = kind
    unit.start = start
    unit.end = end
    unit.hash = FNV_32
    while start < end:
        unit.hash = _mix_byte(unit.hash, s.folded[start])
        start += 1
    s.units_used += 1
    return unit


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _look(
    p: cu8p, end: cu8p, counts: cython.pointer[Counts], s: cython.pointer[Page], k: cython.size_t
) -> cython.size_t:
    """Count the signs of the bytes `p` to `end`, write them to `s.folded + k` in lower case with single spaces, note
    the words, ideographs and marks beyond ASCII, and return the place behind them."""
    c: Counts = counts[0]
    word: Unit
    folded: u8p = s.folded
    point: uint32_t
    lower: uint32_t
    eight: uint64_t
    ones: uint64_t
    run: cython.size_t
    size: cython.size_t
    start: cython.size_t
    kind: cython.int
    gap: cython.bint = True
    token_letters: cython.int = 0
    token_capitals: cython.int = 0
    token_seen: cython.bint = False
    pending: cython.int = 0
    word.hash = FNV_32
    word.start = word.end = 0
    word.kind = LETTER
    word.chars = 0
    word.has_digit = False
    while p < end:
        if p[0] < 0x80:
            point = p[0]
            kind = _ascii[point]
            p += 1
        else:
            point = _point(p, end, cython.address(size))
            kind = _class(point)
            p += size
        if kind == SPACE:
            if not gap:
                _end_word(s, cython.address(c), cython.address(word), k)
                folded[k] = 32
                k += 1
                c.capitalised += token_letters > 0 and token_seen
                c.shouted += token_capitals > 1 and token_capitals == token_letters
                gap = True
                if pending == 1:
                    pending = 2
            continue
        if gap:
            gap = False
            c.words += 1
            token_letters = token_capitals = 0
            token_seen = False
        if c.first == NO_POINT:
            c.first = point
        c.chars += 1
        lower = point
        start = k
        if kind <= CAPITAL:
            if word.chars == 0:
                word.start = k
            if kind == CAPITAL:
                lower = _lower(point)
                token_seen |= token_letters == 0
                token_capitals += 1
                c.sentences += pending == 2
            pending = 0
            if c.inner_end == 0:
                c.inner = k
            if lower < 0x80:
                folded[k] = lower
                word.hash = _mix_byte(word.hash, lower)
                k += 1
                # Most of a text: the rest of a word in small letters, eight at a time while these are there.
                run = 8
                while run == 8 and end - p >= 8:
                    eight = load64(p)
                    store64(folded + k, eight)
                    ones = _letters(eight)
                    run = ones * ONES >> 56
                    word.hash = _mix_some(word.hash, eight & ones * 255, run)
                    k += run
                    p += run
                while run == 8 and p < end and _ascii[p[0]] == LETTER:
                    folded[k] = p[0]
                    word.hash = _mix_byte(word.hash, p[0])
                    k += 1
                    p += 1
                size = k - start
                c.chars += size - 1
                token_letters += size
                word.chars += size
            else:
                k = _put(folded, k, lower)
                while start < k:
                    word.hash = _mix_byte(word.hash, folded[start])
                    start += 1
                token_letters += 1
                word.chars += 1
            c.inner_end = k
            continue
        if kind == DIGIT:
            if word.chars == 0:
                word.start = k
            folded[k] = point
            word.hash = _mix_byte(word.hash, point)
            k += 1
            word.chars += 1
            word.has_digit = True
            c.digits += 1
            pending = 0
            continue
        _end_word(s, cython.address(c), cython.address(word), k)
        if kind == IDEOGRAPH:
            k = _put(folded, k, point)
            c.whole = (c.whole ^ _note_sign(s, IDEOGRAPH, start, k).hash) * FNV_PRIME_32
            if c.inner_end == 0:
                c.inner = start
            c.inner_end = k
            c.ideographs += 1
            pending = 0
            continue
        if _is_stop(point):
            pending = 1
            # Scripts without capitals end their sentences with signs of their own.
            c.sentences += point >= 0x600 and point != 0x2026
            c.exclaimed += point == 33
            c.asked += point == 63
        elif not _is_closer(point):
            pending = 0
        if point == 44 or point == 0x3001 or point == 0xFF0C or point == 0x060C:
            c.commas += 1
        elif point == 58 or point == 0xFF1A:
            c.colons += 1
        elif _is_quote(point):
            c.quotes += 1
        elif point == 40 or point == 0xFF08:
            c.brackets += 1
        elif point == 64:
            c.ats += 1
        elif point == 0x2019:
            lower = 39
        elif point == 124 or point == 47 or point == 0xB7 or point == 0x2022 or point == 0x203A or point == 0x2192:
            c.separators += 1
        k = _put(folded, k, lower)
        c.whole = _mix_byte(c.whole, folded[k - 1])
        # Marks such as a copyright sign are cues as well.
        if lower >= 0x80:
            _note_sign(s, MARK, start, k)
    if not gap:
        _end_word(s, cython.address(c), cython.address(word), k)
        c.capitalised += token_letters > 0 and token_seen
        c.shouted += token_capitals > 1 and token_capitals == token_letters
        folded[k] = 32
        k += 1
    counts[0] = c
    return k


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _take(
    value: uint32_t,
    p: cu8p,
    q: cu8p,
    end: cu8p,
    ideograph: cython.bint,
    block: cu8p,
    block_end: cu8p,
    row: cython.pointer[Row],
) -> cu8p:
    """Note the cue from `p` to `q` where it ends as a word does; return its end when it is a date, else 0."""
    kind: uint32_t = value & 31
    follows: cython.int
    size: cython.size_t
    if q < end and not ideograph:
        follows = _class(_point(q, end, cython.address(size)))
        if follows == LETTER or follows == CAPITAL or follows == DIGIT:
            return cython.NULL
    if kind == FUNCTION:
        row.functions += 1
    elif kind == DATE:
        row.dates += 1
    elif kind:
        _note(row, kind, ANYWHERE)
    if p == block:
        _note(row, value >> 5 & 31, AT_START)
        row.is_lead |= LEADS >> kind | LEADS >> (value >> 5 & 31)
        if q >= block_end:
            _note(row, value >> 10 & 31, WHOLE)
            row.is_lead |= LEADS >> (value >> 10 & 31)
    return q if kind == DATE else cython.NULL


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _walk(
    lexicon: cython.pointer[Lexicon],
    p: cu8p,
    end: cu8p,
    ideograph: cython.bint,
    block: cu8p,
    block_end: cu8p,
    row: cython.pointer[Row],
) -> cu8p:
    """Follow the lexicon from `p` on, note each cue that ends where a word does, and return the end of a date or 0."""
    node: uint32_t
    here: cython.pointer[Node]
    many: cython.size_t
    half: cython.size_t
    date_end: cu8p = cython.NULL
    found: cu8p
    q: cu8p = p
    # The first two bytes lead to their node at once; no phrase is shorter but for marks and ideographs, which are longer.
    if q + 1 >= end:
        return cython.NULL
    node = lexicon.pairs[cython.cast(uint32_t, q[0]) << 8 | q[1]]
    if node == 0:
        return cython.NULL
    q += 1
    q += 1
    here = lexicon.nodes + node
    while True:
        if here.value != 0:
            found = _take(here.value, p, q, end, ideograph, block, block_end, row)
            if found != cython.NULL:
                date_end = found
        many = here.children
        if q >= end or many == 0:
            break
        here = lexicon.nodes + here.first
        # Children ascend by their byte; which half it is in is a surprise, so there is no jump.
        while many > 1:
            half = many >> 1
            here += half * (here[half].byte <= q[0])
            many -= half
        if here.byte != q[0]:
            break
        q += 1
    return date_end


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _note(row: cython.pointer[Row], kind: uint32_t, place: uint32_t) -> cython.void:
    """Keep the strictest place at which a cue of the kind was found."""
    shift: uint32_t = 2 * (kind - 1)
    # No kind, function words and dates have no bits.
    if kind == 0 or kind > KINDS:
        return
    if (row.cues >> shift & 3) < place:
        row.cues = row.cues & ~(cython.cast(uint32_t, 3) << shift) | place << shift


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _read_words(
    lexicon: cython.pointer[Lexicon],
    s: cython.pointer[Page],
    c: cython.pointer[Counts],
    length: cython.size_t,
    row: cython.pointer[Row],
) -> cython.void:
    """Look up the words of the folded block, fingerprint it, and note the hashes of its long words."""
    folded: cu8p = s.folded
    end: cu8p = folded + length
    # A cue that is the whole block may have digits and signs around it.
    inner: cu8p = folded + c.inner if c.inner_end else cython.NULL
    inner_end: cu8p = folded + c.inner_end
    date_end: cu8p = folded
    found: cu8p
    p: cu8p
    i: cython.size_t
    unit: cython.pointer[Unit]
    before: uint32_t = 0
    fingerprint: uint64_t = FNV_64
    words: u32p = s.words
    n: cython.size_t = s.words_used
    row.first_word = n
    for i in range(s.units_used):
        unit = s.units + i
        p = folded + unit.start
        if unit.kind == LETTER:
            before = 0
            if lexicon.openers[unit.hash >> 3 & OPENERS] >> (unit.hash & 7) & 1:
                found = _walk(lexicon, p, end, False, inner, inner_end, row)
                # A shorter date inside a longer one does not cut it off.
                if found != cython.NULL and found > date_end:
                    date_end = found
            if unit.has_digit or folded + unit.end <= date_end:
                continue
            fingerprint = (fingerprint ^ unit.hash) * FNV_PRIME_64
            # There is room for one that does not count.
            words[n] = unit.hash | 1
            n += unit.chars >= LONG_WORD
        elif unit.kind == IDEOGRAPH:
            _walk(lexicon, p, end, True, inner, inner_end, row)
            if before:
                words[n] = before * 31 + unit.hash | 1
                n += 1
            before = unit.hash
            fingerprint = (fingerprint ^ unit.hash) * FNV_PRIME_64
        else:
            _walk(lexicon, p, end, True, p if inner == cython.NULL or p < inner else folded, inner_end, row)
    s.words_used = row.last_word = n
    # A block of nothing but numbers, dates and marks says nothing that could repeat.
    row.fingerprint = 0 if fingerprint == FNV_64 else fingerprint ^ fingerprint >> 29
    row.whole = c.whole | 1


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _ending(folded: cu8p, p: cu8p) -> cython.int:
    """Return how the folded block before `p` ends: 1 as a sentence, 2 cut off, 3 with a colon, 4 with a question, 5 with
    a quote, or 0."""
    stop: cu8p = p
    point: uint32_t
    size: cython.size_t
    end: uint32_t = 0
    last: uint32_t = 0
    dots: cython.int = 0
    # Back to the last sign that closes nothing.
    while p > folded and last == 0:
        p -= 1
        if p[0] != 32 and (p[0] & 0xC0) != 0x80:
            point = _point(p, stop, cython.address(size))
            if end == 0:
                end = point
            if not _is_closer(point):
                last = point
    # Dots with or without spaces between.
    while end == 46 and dots < 3 and (p[0] == 46 or p[0] == 32):
        dots += p[0] == 46
        if p == folded:
            break
        p -= 1
    if end == 0x2026 or dots == 3:
        return 2
    if end == 63 or end == 0xFF1F or end == 0x061F:
        return 4
    if _is_stop(last):
        return 1
    if end == 58 or end == 0xFF1A:
        return 3
    return 5 if _is_quote(end) or end == 39 else 0


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _opening(point: uint32_t) -> cython.int:
    """Return how a block begins: 0 with a capital, 1 a letter, 2 a digit, 3 a quote, 4 a bullet, 5 anything else."""
    kind: cython.int = _class(point)
    if kind == CAPITAL:
        return 0
    if kind == LETTER:
        return 1
    if kind == DIGIT:
        return 2
    if _is_quote(point) or point == 39 or point == 0x2018:
        return 3
    if (
        point == 45
        or 0x2012 <= point <= 0x2015
        or point == 0x2022
        or point == 42
        or point == 0xB7
        or point == 124
        or point == 62
        or point == 43
        or point == 35
        or point == 64
        or point == 40
    ):
        return 4
    return 5


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _clip(value: int64_t) -> int32_t:
    return cython.cast(int32_t, value if value < MOST else MOST)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _share(part: int64_t, whole: int64_t) -> int32_t:
    """Return how many hundredths of the whole a part is; 0 of nothing."""
    if part == 0 or whole == 0:
        return 0
    # Most processors divide numbers of 32 bits much faster.
    if part < 1 << 25:
        return _clip(cython.cast(uint32_t, 100 * part) / cython.cast(uint32_t, whole))
    return _clip(100 * part / whole)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _see(
    p: cu8p, end: cu8p, lexicon: cython.pointer[Lexicon], s: cython.pointer[Page], i: cython.size_t
) -> cython.void:
    """Fill row `i` of the page with what is seen of the block `p` to `end` alone; of a long one, of its two ends."""
    c: Counts
    row: cython.pointer[Row] = s.rows + i
    out: i32p = s.table + (i + REACH) * COLUMNS
    head: cu8p = end
    tail: cu8p = end
    k: cython.size_t
    words: int64_t
    chars: int64_t
    weight: int64_t
    unseen: int64_t = 0
    kind: cython.int
    strength: int32_t
    best: int32_t = 0
    memset(cython.address(c), 0, cython.sizeof(Counts))
    memset(row, 0, cython.sizeof(Row))
    c.first = NO_POINT
    c.whole = FNV_32
    if end - p > HEAD_BYTES + TAIL_BYTES:
        head = p + HEAD_BYTES
        tail = end - TAIL_BYTES
        while head > p and (head[0] & 0xC0) == 0x80:
            head -= 1
        while tail < end and (tail[0] & 0xC0) == 0x80:
            tail += 1
        unseen = tail - head
    s.units_used = 0
    k = _look(p, head, cython.address(c), s, 0)
    if tail < end:
        k = _look(tail, end, cython.address(c), s, k)
    _read_words(lexicon, s, cython.address(c), k, row)

    words = c.words + c.ideographs / 2 + unseen / 6
    chars = c.chars + unseen if c.chars + unseen > 0 else 1
    weight = c.words + c.ideographs / 2 if c.words + c.ideographs / 2 > 0 else 1
    out[WORDS] = _clip(words)
    out[CHARS] = _clip(chars)
    out[FUNCTION_SHARE] = _share(row.functions, weight)
    out[FUNCTIONS] = _clip(row.functions)
    out[DATES] = _clip(row.dates)
    out[CAPITAL_SHARE] = _share(c.capitalised, weight)
    out[SHOUT_SHARE] = _share(c.shouted, weight)
    out[DIGIT_SHARE] = _share(c.digits, c.chars)
    out[DIGITS] = _clip(c.digits)
    out[ENDING] = _ending(s.folded, s.folded + k)
    out[OPENING] = _opening(c.first)
    out[SENTENCES] = _clip(c.sentences)
    out[COMMAS] = _clip(c.commas)
    out[SEPARATORS] = _clip(c.separators)
    out[ATS] = _clip(c.ats)
    out[BRACKETS] = _clip(c.brackets)
    out[QUOTES] = _clip(c.quotes)
    out[WORD_LENGTH] = _clip(10 * c.chars / (c.words if c.words > 0 else 1))
    out[EXCLAIMED] = _clip(c.exclaimed)
    out[COLONS] = _clip(c.colons)
    out[ASKED] = _clip(c.asked)
    out[IDEOGRAPH_SHARE] = _share(c.ideographs, c.chars)
    out[PROSE] = (
        words >= 15
        and out[FUNCTION_SHARE] >= 15
        and (out[ENDING] == 1 or out[ENDING] == 5 or c.sentences > 0)
        or words >= 40
        and c.commas + c.sentences > 0
    )
    out[CUE] = 0
    for kind in range(KINDS):
        strength = row.cues >> (2 * kind) & 3
        out[CUES + kind] = strength
        if strength > best:
            best = strength
            out[CUE] = kind + 1


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _slot(s: cython.pointer[Page], key: uint32_t) -> cython.pointer[Slot]:
    """Return the slot of a key, or the empty one that could hold it; 0 when neither is near."""
    place: uint32_t = key * HASH_STEP >> 7 & s.mask
    tries: cython.int
    for tries in range(TRIES):
        if s.slots[place].key == 0 or s.slots[place].key == key:
            return s.slots + place
        place = place + 1 & s.mask
    return cython.NULL


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _count_repeats(s: cython.pointer[Page]) -> cython.void:
    """Count for each block how many of the page say the same, itself included."""
    i: cython.size_t
    slot: cython.pointer[Slot]
    memset(s.slots, 0, cython.sizeof(Slot) * (s.mask + 1))
    for i in range(s.n):
        slot = _slot(s, s.rows[i].whole)
        if slot != cython.NULL:
            slot.key = s.rows[i].whole
            slot.count += 1
    for i in range(s.n):
        slot = _slot(s, s.rows[i].whole)
        s.table[(i + REACH) * COLUMNS + REPEATS] = 1 if slot == cython.NULL else (slot.count if slot.count < 10 else 10)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _share_words(s: cython.pointer[Page]) -> cython.void:
    """Count for each block how many of its long words stand in prose elsewhere on the page."""
    i: cython.size_t
    k: cython.size_t
    own: uint32_t
    known: int64_t
    total: int64_t
    out: i32p
    slot: cython.pointer[Slot]
    memset(s.slots, 0, cython.sizeof(Slot) * (s.mask + 1))
    for i in range(s.n):
        if s.table[(i + REACH) * COLUMNS + PROSE]:
            for k in range(s.rows[i].first_word, s.rows[i].last_word):
                slot = _slot(s, s.words[k])
                if slot != cython.NULL and slot.block != i + 1:
                    slot.key = s.words[k]
                    slot.block = i + 1
                    slot.count += 1
    for i in range(s.n):
        out = s.table + (i + REACH) * COLUMNS
        own = out[PROSE]
        known = 0
        total = s.rows[i].last_word - s.rows[i].first_word
        for k in range(s.rows[i].first_word, s.rows[i].last_word):
            slot = _slot(s, s.words[k])
            known += slot != cython.NULL and slot.count > own
        out[KNOWN_WORDS] = _clip(known)
        out[KNOWN_SHARE] = _share(known, total) if total else -1


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _between(sums: i32p, i: int64_t, first: int64_t, last: int64_t, n: int64_t) -> int32_t:
    """Return the sum over the rows `i + first` to `i + last`, as far as they exist, of the running sums before rows."""
    low: int64_t = i + first if i + first > 0 else 0
    high: int64_t = i + last + 1 if i + last + 1 < n else n
    low = low if low < n else n
    high = high if high > 0 else 0
    return _clip(sums[high] - sums[low])


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _place(s: cython.pointer[Page]) -> cython.void:
    """Fill in what a block's surroundings say."""
    n: int64_t = s.n
    i: int64_t
    kind: cython.int
    distance: int32_t
    prose_count: int64_t = 0
    total: int64_t
    share: int32_t
    row: i32p
    words: i32p = s.sums
    prose: i32p = s.sums + (n + 1)
    cues: i32p = s.sums + 2 * (n + 1)
    words[0] = prose[0] = cues[0] = 0
    for i in range(n):
        row = s.table + (i + REACH) * COLUMNS
        words[i + 1] = words[i] + row[WORDS]
        prose[i + 1] = prose[i] + (row[WORDS] if row[PROSE] else 0)
        cues[i + 1] = cues[i] + (row[CUE] != 0)
        prose_count += row[PROSE]
    total = prose[n]
    share = _share(prose_count, n)
    distance = 31
    for i in range(n):
        row = s.table + (i + REACH) * COLUMNS
        row[BEFORE_SHARE] = _share(prose[i], total)
        row[AFTER_SHARE] = _share(total - prose[i + 1], total)
        row[BEFORE] = _clip(prose[i])
        row[AFTER] = _clip(total - prose[i + 1])
        row[PROSE_ABOVE] = distance
        distance = 1 if row[PROSE] else (distance + 1 if distance < 30 else distance)
        row[WORDS_BELOW_3] = _between(words, i, 1, 3, n)
        row[WORDS_ABOVE_3] = _between(words, i, -3, -1, n)
        row[WORDS_BELOW_8] = _between(words, i, 1, 8, n)
        row[WORDS_ABOVE_8] = _between(words, i, -8, -1, n)
        row[PROSE_BELOW_3] = _between(prose, i, 1, 3, n)
        row[PROSE_ABOVE_3] = _between(prose, i, -3, -1, n)
        row[PROSE_BELOW_8] = _between(prose, i, 1, 8, n)
        row[PROSE_ABOVE_8] = _between(prose, i, -8, -1, n)
        row[CUES_ABOVE_5] = _between(cues, i, -5, -1, n)
        row[CUES_BELOW_5] = _between(cues, i, 1, 5, n)
        row[INDEX] = _clip(i)
        row[INDEX_FROM_END] = _clip(n - 1 - i)
        row[BLOCKS] = _clip(n)
        row[TOTAL_PROSE] = _clip(total)
        row[PROSE_BLOCKS_SHARE] = share
    distance = 31
    for i in range(n - 1, -1, -1):
        row = s.table + (i + REACH) * COLUMNS
        row[PROSE_BELOW] = distance
        distance = 1 if row[PROSE] else (distance + 1 if distance < 30 else distance)
    # Beyond the ends there is no cue.
    for kind in range(KINDS):
        s.table[(REACH - 1) * COLUMNS + CUE_ABOVE + kind] = 41
        s.table[(REACH + n) * COLUMNS + CUE_BELOW + kind] = 41
    for i in range(n):
        row = s.table + (i + REACH) * COLUMNS
        for kind in range(KINDS):
            distance = row[CUE_ABOVE + kind - COLUMNS]
            distance += distance < 40
            row[CUE_ABOVE + kind] = 0 if row[CUES + kind] >= AT_START else distance
    for i in range(n - 1, -1, -1):
        row = s.table + (i + REACH) * COLUMNS
        for kind in range(KINDS):
            distance = row[CUE_BELOW + kind + COLUMNS]
            distance += distance < 40
            row[CUE_BELOW + kind] = 0 if row[CUES + kind] >= ANYWHERE else distance


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _blank_ends(s: cython.pointer[Page]) -> cython.void:
    """Fill the rows before the first and behind the last block with -1, so that a block can look at its neighbours."""
    i: cython.size_t
    behind: i32p = s.table + (s.n + REACH) * COLUMNS
    for i in range(REACH * COLUMNS):
        s.table[i] = -1
        behind[i] = -1


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _add_trees(
    forest: cython.pointer[Forest], first: cython.size_t, last: cython.size_t, some: cython.pointer[Some]
) -> cython.void:
    """Add the leaves of the trees `first` to `last` to the scores of some blocks."""
    tree: cython.size_t
    i: cython.size_t
    node: cython.size_t
    level: cython.int
    below: int32_t
    row: i32p
    branches: cython.pointer[Branch] = forest.branches + first * NODES
    leaves: cython.pointer[int16_t] = forest.leaves + first * (NODES + 1)
    # Every tree has the same depth, so that the processor can work on several blocks at a time.
    for tree in range(first, last):
        for i in range(some.n):
            row = some.rows[i]
            # Nodes are numbered from 1 on; the sign of a difference leads on without a jump.
            node = 1
            for level in range(DEPTH):
                below = branches[node - 1].limit - row[branches[node - 1].place]
                node = 2 * node + (cython.cast(uint32_t, below) >> 31)
            some.scores[i] += leaves[node - NODES - 1]
        branches += NODES
        leaves += NODES + 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _score(forest: cython.pointer[Forest], s: cython.pointer[Page], scores: i32p) -> cython.void:
    """Write the sum of the trees' leaves for each block of the page: the more, the more it looks like the story."""
    some: Some
    few: cython.size_t = forest.trees if forest.trees < FEW_TREES else FEW_TREES
    start: cython.size_t = 0
    i: cython.size_t
    k: cython.size_t
    while start < s.n:
        some.n = s.n - start if s.n - start < TOGETHER else TOGETHER
        for i in range(some.n):
            some.rows[i] = s.table + (start + i + REACH) * COLUMNS
            some.places[i] = s.rows[start + i].index
            some.scores[i] = 0
        _add_trees(forest, 0, few, cython.address(some))
        k = 0
        for i in range(some.n):
            scores[some.places[i]] = some.scores[i]
            if SURE_LOW < some.scores[i] < SURE_HIGH:
                some.rows[k] = some.rows[i]
                some.places[k] = some.places[i]
                some.scores[k] = some.scores[i]
                k += 1
        some.n = k
        _add_trees(forest, few, forest.trees, cython.address(some))
        for i in range(some.n):
            scores[some.places[i]] = some.scores[i]
        start += TOGETHER


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _next_block(p: cu8p, end: cu8p, block: cython.pointer[cu8p], block_end: cython.pointer[cu8p]) -> cu8p:
    """Find the next line that is not blank, without the space at its ends; return where to go on, or 0 at the end."""
    stop: cu8p
    last: cu8p
    while p < end:
        stop = cython.cast(cu8p, memchr(p, 10, end - p))
        if stop == cython.NULL:
            stop = end
        while p < stop and p[0] <= 32:
            p += 1
        if p < stop:
            last = stop
            while (last - 1)[0] <= 32:
                last -= 1
            block[0] = p
            block_end[0] = last
            return stop
        p = stop + 1
    return cython.NULL


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _count(p: cu8p, end: cu8p) -> cython.size_t:
    block: cu8p
    block_end: cu8p
    n: cython.size_t = 0
    p = _next_block(p, end, cython.address(block), cython.address(block_end))
    while p != cython.NULL:
        n += 1
        p = _next_block(p, end, cython.address(block), cython.address(block_end))
    return n


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _free_page(s: cython.pointer[Page]) -> cython.void:
    free(s.table)
    free(s.rows)
    free(s.words)
    free(s.slots)
    free(s.sums)
    memset(s, 0, cython.sizeof(Page))


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _make_room(s: cython.pointer[Page], n: cython.size_t, size: cython.size_t) -> cython.int:
    """Make room for a page of `n` blocks and `size` bytes; 0, or -1 when there is no memory."""
    # An ideograph has three bytes, and any other word that counts has more.
    words: cython.size_t = n * (HEAD_BYTES + TAIL_BYTES) / 3
    slots: cython.size_t = 64
    if words > size / 3:
        words = size / 3
    words += n + 64
    # Twice as many slots, a power of two, must fit 32 bits.
    if words > MAX_WORDS:
        return -1
    if s.room >= n and s.word_room >= words:
        return 0
    _free_page(s)
    while slots < 2 * words:
        slots *= 2
    s.table = cython.cast(i32p, malloc(4 * COLUMNS * (n + 2 * REACH)))
    s.rows = cython.cast(cython.pointer[Row], malloc(cython.sizeof(Row) * n))
    s.words = cython.cast(u32p, malloc(4 * words))
    s.slots = cython.cast(cython.pointer[Slot], malloc(cython.sizeof(Slot) * slots))
    s.sums = cython.cast(i32p, malloc(4 * 3 * (n + 1)))
    if (
        s.table == cython.NULL
        or s.rows == cython.NULL
        or s.words == cython.NULL
        or s.slots == cython.NULL
        or s.sums == cython.NULL
    ):
        _free_page(s)
        return -1
    s.room = n
    s.word_room = words
    s.slot_room = slots
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _read_page(
    p: cu8p, end: cu8p, n: cython.size_t, lexicon: cython.pointer[Lexicon], s: cython.pointer[Page]
) -> cython.int:
    """Fill the table of a page of `n` blocks."""
    block: cu8p = p
    block_end: cu8p = p
    i: cython.size_t
    if _make_room(s, n, end - p):
        return -1
    s.n = n
    s.words_used = 0
    for i in range(n):
        p = _next_block(p, end, cython.address(block), cython.address(block_end))
        _see(block, block_end, lexicon, s, i)
    _relate(s)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _relate(s: cython.pointer[Page]) -> cython.void:
    """Fill the columns that the other blocks of the page decide."""
    s.mask = 64
    while s.mask < 2 * s.words_used or s.mask < 2 * s.n:
        s.mask *= 2
    s.mask -= 1
    _count_repeats(s)
    _share_words(s)
    _place(s)
    _blank_ends(s)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def _least(forest: cython.pointer[Forest], row: i32p, is_lead: cython.bint, is_page: cython.bint) -> int32_t:
    """Return the least score of a block of the story: from `few` for a short block in a straight line to `many`."""
    few: int32_t = forest.page if is_page else forest.few
    many: int32_t = forest.page if is_page else forest.many
    beyond: int32_t = row[WORDS] - FEW_WORDS
    if is_lead and row[WORDS] <= LEAD_WORDS and row[ENDING] != 1:
        return few + LEAD_MORE
    if beyond <= 0:
        return few
    if beyond > MANY_WORDS - FEW_WORDS:
        beyond = MANY_WORDS - FEW_WORDS
    return few + beyond * (many - few) / (MANY_WORDS - FEW_WORDS)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _drop(
    forest: cython.pointer[Forest], s: cython.pointer[Page], scores: i32p, is_page: cython.pointer[cython.int]
) -> cython.size_t:
    """Score the blocks of the page and take those out that are no story; return how many are left.

    The first round, in which `is_page` is below 0, sees whether the text is a whole page: there less is given the
    benefit of the doubt. What stays then would stay in an article as well.
    """
    i: cython.size_t
    k: cython.size_t
    n: cython.size_t = 0
    first: cython.size_t
    many: cython.size_t
    used: cython.size_t = 0
    sure: cython.size_t = 0
    row: i32p
    # Before any is moved: a block is scored beside its neighbours.
    _score(forest, s, scores)
    for i in range(s.n):
        sure += scores[s.rows[i].index] < forest.few and scores[s.rows[i].index] < forest.many
    if is_page[0] < 0:
        is_page[0] = s.n >= PAGE_BLOCKS and 10 * sure >= PAGE_TENTHS * s.n
    for i in range(s.n):
        row = s.table + (i + REACH) * COLUMNS
        if scores[s.rows[i].index] < _least(forest, row, s.rows[i].is_lead & 1, is_page[0]):
            continue
        first = s.rows[i].first_word
        many = s.rows[i].last_word - first
        for k in range(many):
            s.words[used + k] = s.words[first + k]
        if n < i:
            s.rows[n] = s.rows[i]
            memcpy(s.table + (n + REACH) * COLUMNS, row, 4 * COLUMNS)
        s.rows[n].first_word = used
        used += many
        s.rows[n].last_word = used
        n += 1
    return n


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _judge(forest: cython.pointer[Forest], s: cython.pointer[Page], scores: i32p, furniture: u8p) -> cython.void:
    """Tell which blocks of the page are furniture: take them out, look at the rest again, until all that is left stays.

    A page that has no story, or does not come to rest, keeps all. The score of a block is that of the round in which
    it was taken out, or of the last.
    """
    n: cython.size_t = s.n
    i: cython.size_t
    left: cython.size_t = 0
    turn: cython.int
    is_page: cython.int = -1
    for i in range(n):
        s.rows[i].index = i
        furniture[i] = 0
    for turn in range(ROUNDS):
        left = _drop(forest, s, scores, cython.address(is_page))
        if left == s.n or left == 0:
            break
        s.n = left
        s.words_used = s.rows[left - 1].last_word
        _relate(s)
    if 0 < left < n and turn < ROUNDS - 1:
        for i in range(n):
            furniture[i] = 1
        for i in range(left):
            furniture[s.rows[i].index] = 0


def count_rows(
    addresses: cython.size_t,
    lengths: cython.size_t,
    start: cython.Py_ssize_t,
    stop: cython.Py_ssize_t,
    counts: cython.size_t,
):
    """Write to int64 `counts[row]` how many blocks each text has."""
    texts: u64p = cython.cast(u64p, addresses)
    sizes: i64p = cython.cast(i64p, lengths)
    out: i64p = cython.cast(i64p, counts)
    row: cython.Py_ssize_t
    p: cu8p
    with cython.nogil:
        for row in range(start, stop):
            p = cython.cast(cu8p, cython.cast(cython.size_t, texts[row]))
            out[row] = _count(p, p + sizes[row])


@cython.cfunc
def _open_lexicon(lexicon: cython.pointer[Lexicon], parts: tuple) -> cython.void:
    nodes: bytes = parts[0]
    pairs: bytes = parts[1]
    openers: bytes = parts[2]
    lexicon.nodes = cython.cast(cython.pointer[Node], PyBytes_AsString(nodes))
    lexicon.pairs = cython.cast(u32p, PyBytes_AsString(pairs))
    lexicon.openers = cython.cast(cu8p, PyBytes_AsString(openers))


def openers(first: bytes, byte: bytes, value: bytes) -> bytes:
    """Return a bit for each hash of a word that a phrase of the lexicon may begin with; the arrays are those of it."""
    size: cython.Py_ssize_t = len(byte)
    firsts: u32p = cython.cast(u32p, PyBytes_AsString(first))
    bytes_: cu8p = cython.cast(cu8p, PyBytes_AsString(byte))
    values: cython.pointer[uint16_t] = cython.cast(cython.pointer[uint16_t], PyBytes_AsString(value))
    bits: bytes = bytes(OPENERS + 1)
    found: u8p = cython.cast(u8p, PyBytes_AsString(bits))
    paths: cython.pointer[Path] = cython.cast(cython.pointer[Path], malloc(cython.sizeof(Path) * size))
    own: Path
    path: cython.pointer[Path]
    node: cython.Py_ssize_t
    child: uint32_t
    kind: cython.int
    if paths == cython.NULL:
        raise MemoryError
    memset(paths, 0, cython.sizeof(Path))
    paths.hash = FNV_32
    paths.is_word = True
    for node in range(size):
        own = paths[node]
        for child in range(firsts[node], firsts[node + 1]):
            path = paths + child
            path.hash = _mix_byte(own.hash, bytes_[child])
            path.before = own.before if own.left else own.hash
            path.is_word = own.is_word
            if own.left:
                path.left = own.left - 1
                path.point = own.point << 6 | (bytes_[child] & 63)
            else:
                path.left = (bytes_[child] >= 0x80) + (bytes_[child] >= 0xE0) + (bytes_[child] >= 0xF0)
                path.point = bytes_[child] & (0x3F >> path.left if path.left else 0x7F)
            if path.is_word and path.left == 0:
                kind = _class(path.point)
                if kind != LETTER and kind != CAPITAL and kind != DIGIT:
                    path.is_word = False
                    found[path.before >> 3 & OPENERS] |= 1 << (path.before & 7)
                elif values[child]:
                    found[path.hash >> 3 & OPENERS] |= 1 << (path.hash & 7)
            # A phrase that ends within a character may end within any word.
            if path.left and values[child]:
                memset(found, 0xFF, OPENERS + 1)
    free(paths)
    return bits


def see_text(text: bytes, parts: tuple) -> bytes:
    """Return int32 [blocks, COLUMNS], what is seen of each block of a text; `parts` are the arrays of the lexicon."""
    lexicon: Lexicon
    s: Page
    p: cu8p = cython.cast(cu8p, PyBytes_AsString(text))
    size: cython.size_t = len(text)
    n: cython.size_t = _count(p, p + size)
    status: cython.int
    _open_lexicon(cython.address(lexicon), parts)
    memset(cython.address(s), 0, cython.sizeof(Page))
    status = _read_page(p, p + size, n, cython.address(lexicon), cython.address(s))
    if status:
        raise MemoryError
    try:
        return PyBytes_FromStringAndSize(cython.cast(cython.p_char, s.table + REACH * COLUMNS), 4 * COLUMNS * n)
    finally:
        _free_page(cython.address(s))


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _characters(p: cu8p, end: cu8p) -> int64_t:
    """Return how many characters the UTF-8 from `p` to `end` has."""
    n: int64_t = 0
    i: cython.size_t
    for i in range(end - p):
        n += (p[i] & 0xC0) != 0x80
    return n


def locate_rows(
    addresses: cython.size_t,
    lengths: cython.size_t,
    start: cython.Py_ssize_t,
    stop: cython.Py_ssize_t,
    counts: cython.size_t,
    firsts: cython.size_t,
    starts: cython.size_t,
    ends: cython.size_t,
):
    """Write to int64 `starts` and `ends` where the `counts[row]` blocks of each text are, in characters, from place
    `firsts[row]` on."""
    texts: u64p = cython.cast(u64p, addresses)
    sizes: i64p = cython.cast(i64p, lengths)
    many: i64p = cython.cast(i64p, counts)
    places: i64p = cython.cast(i64p, firsts)
    out_starts: i64p = cython.cast(i64p, starts)
    out_ends: i64p = cython.cast(i64p, ends)
    p: cu8p
    end: cu8p
    seen: cu8p
    block: cu8p
    block_end: cu8p
    row: cython.Py_ssize_t
    k: int64_t
    passed: int64_t
    with cython.nogil:
        for row in range(start, stop):
            p = cython.cast(cu8p, cython.cast(cython.size_t, texts[row]))
            end = p + sizes[row]
            seen = p
            passed = 0
            for k in range(places[row], places[row] + many[row]):
                p = _next_block(p, end, cython.address(block), cython.address(block_end))
                passed += _characters(seen, block)
                out_starts[k] = passed
                passed += _characters(block, block_end)
                out_ends[k] = passed
                seen = block_end


def block_rows(
    addresses: cython.size_t,
    lengths: cython.size_t,
    start: cython.Py_ssize_t,
    stop: cython.Py_ssize_t,
    counts: cython.size_t,
    firsts: cython.size_t,
    parts: tuple,
    trees: tuple,
    cues: cython.size_t,
    fingerprints: cython.size_t,
    words: cython.size_t,
    scores: cython.size_t,
    furniture: cython.size_t,
) -> cython.int:
    """Write what is known of the `counts[row]` blocks of each text from place `firsts[row]` on; 0, or -1 without memory.

    uint32 `cues` (two bits a kind), uint64 `fingerprints`, int32 `words`, int32 `scores`, uint8 `furniture`.
    """
    texts: u64p = cython.cast(u64p, addresses)
    sizes: i64p = cython.cast(i64p, lengths)
    many: i64p = cython.cast(i64p, counts)
    places: i64p = cython.cast(i64p, firsts)
    out_cues: u32p = cython.cast(u32p, cues)
    out_fingerprints: u64p = cython.cast(u64p, fingerprints)
    out_words: i32p = cython.cast(i32p, words)
    out_scores: i32p = cython.cast(i32p, scores)
    out_furniture: u8p = cython.cast(u8p, furniture)
    branches: bytes = trees[0]
    leaves: bytes = trees[1]
    lexicon: Lexicon
    forest: Forest
    s: Page
    p: cu8p
    row: cython.Py_ssize_t
    i: cython.size_t
    k: cython.size_t
    status: cython.int = 0
    _open_lexicon(cython.address(lexicon), parts)
    forest.branches = cython.cast(cython.pointer[Branch], PyBytes_AsString(branches))
    forest.leaves = cython.cast(cython.pointer[int16_t], PyBytes_AsString(leaves))
    forest.trees = len(leaves) // (2 * (NODES + 1))
    forest.few = trees[2]
    forest.many = trees[3]
    forest.page = trees[4]
    memset(cython.address(s), 0, cython.sizeof(Page))
    with cython.nogil:
        for row in range(start, stop):
            p = cython.cast(cu8p, cython.cast(cython.size_t, texts[row]))
            status = _read_page(p, p + sizes[row], many[row], cython.address(lexicon), cython.address(s))
            if status:
                break
            k = places[row]
            for i in range(many[row]):
                out_cues[k + i] = s.rows[i].cues
                out_fingerprints[k + i] = s.rows[i].fingerprint
                out_words[k + i] = s.table[(i + REACH) * COLUMNS + WORDS]
            _judge(cython.address(forest), cython.address(s), out_scores + k, out_furniture + k)
        _free_page(cython.address(s))
    return status


_fill_ascii()
