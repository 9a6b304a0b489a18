# The C structs and constants of the second kernel.

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

ctypedef uint8_t* u8p
ctypedef const uint8_t* cu8p
ctypedef uint32_t* u32p
ctypedef uint64_t* u64p
ctypedef int32_t* i32p
ctypedef int64_t* i64p

cdef enum:
    # What a code point is.
    SPACE = 0
    LETTER = 1
    CAPITAL = 2
    DIGIT = 3
    MARK = 4
    IDEOGRAPH = 5
    # Where a cue stands: anywhere in the block, at its start, or it is the block.
    ANYWHERE = 1
    AT_START = 2
    WHOLE = 3
    # Kinds of cues that name no furniture come behind those that do.
    KINDS = 16
    FUNCTION = 17
    DATE = 18
    # Of a longer block only its ends are looked at, which keeps one line of 10 MB cheap.
    HEAD_BYTES = 192
    TAIL_BYTES = 64
    LONG_WORD = 5
    # The last byte of the bits that tell which words may begin a phrase.
    OPENERS = 16383
    REACH = 3
    # A block is short up to so many words, and long from so many on.
    FEW_WORDS = 8
    MANY_WORDS = 30
    # A short line that begins with a cue of these kinds must look this much more like the story.
    LEAD_WORDS = 14
    LEAD_MORE = 3000
    # Bits 6, 7, 8 and 15: posts, promos, other stories and adverts.
    LEADS = 33216
    ROUNDS = 8
    # A whole page has so many blocks, and so many of ten are furniture whatever their length.
    PAGE_BLOCKS = 64
    PAGE_TENTHS = 6
    # Of every tree of the forest.
    DEPTH = 5
    NODES = 31
    # Behind so many trees a score this low or this high is not looked at further.
    FEW_TREES = 50
    SURE_LOW = -3500
    SURE_HIGH = 2500
    # So many blocks are scored together.
    TOGETHER = 16
    MOST = 32767
    # A table in which a word finds no place after so many tries does without it: nobody can make the search long.
    TRIES = 16
    MAX_WORDS = 0x40000000

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    #error "dedup's kernel reads little-endian words"
    #endif

    static inline uint64_t dd_load64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return v; }
    static inline void dd_store64(uint8_t *p, uint64_t v) { memcpy(p, &v, 8); }

    #define DD_ONES 0x0101010101010101ULL
    #define DD_HIGHS 0x8080808080808080ULL
    #define DD_FNV_32 0x811C9DC5U
    #define DD_FNV_PRIME_32 0x01000193U
    #define DD_HASH_STEP 0x9E3779B1U
    #define DD_NO_POINT 0xFFFFFFFFU
    #define DD_FNV_64 0xCBF29CE484222325ULL
    #define DD_FNV_PRIME_64 0x00000100000001B3ULL
    """
    uint64_t load64 "dd_load64"(const uint8_t *p) noexcept nogil
    void store64 "dd_store64"(uint8_t *p, uint64_t v) noexcept nogil
    const uint64_t ONES "DD_ONES"
    const uint64_t HIGHS "DD_HIGHS"
    const uint32_t FNV_32 "DD_FNV_32"
    const uint32_t FNV_PRIME_32 "DD_FNV_PRIME_32"
    const uint32_t HASH_STEP "DD_HASH_STEP"
    const uint32_t NO_POINT "DD_NO_POINT"
    const uint64_t FNV_64 "DD_FNV_64"
    const uint64_t FNV_PRIME_64 "DD_FNV_PRIME_64"

cdef enum:
    # The columns of a page's table.
    WORDS = 0
    CHARS = 1
    FUNCTION_SHARE = 2
    FUNCTIONS = 3
    DATES = 4
    CAPITAL_SHARE = 5
    SHOUT_SHARE = 6
    DIGIT_SHARE = 7
    DIGITS = 8
    ENDING = 9
    OPENING = 10
    SENTENCES = 11
    COMMAS = 12
    SEPARATORS = 13
    ATS = 14
    BRACKETS = 15
    QUOTES = 16
    WORD_LENGTH = 17
    EXCLAIMED = 18
    COLONS = 19
    ASKED = 20
    IDEOGRAPH_SHARE = 21
    PROSE = 22
    CUE = 23
    REPEATS = 24
    KNOWN_SHARE = 25
    KNOWN_WORDS = 26
    BEFORE_SHARE = 27
    AFTER_SHARE = 28
    BEFORE = 29
    AFTER = 30
    PROSE_ABOVE = 31
    PROSE_BELOW = 32
    WORDS_BELOW_3 = 33
    WORDS_ABOVE_3 = 34
    WORDS_BELOW_8 = 35
    WORDS_ABOVE_8 = 36
    PROSE_BELOW_3 = 37
    PROSE_ABOVE_3 = 38
    PROSE_BELOW_8 = 39
    PROSE_ABOVE_8 = 40
    CUES_ABOVE_5 = 41
    CUES_BELOW_5 = 42
    INDEX = 43
    INDEX_FROM_END = 44
    BLOCKS = 45
    TOTAL_PROSE = 46
    PROSE_BLOCKS_SHARE = 47
    CUES = 48
    CUE_ABOVE = 64
    CUE_BELOW = 80
    COLUMNS = 96

cdef struct Counts:
    uint32_t words
    uint32_t chars
    uint32_t capitalised
    uint32_t shouted
    uint32_t digits
    uint32_t sentences
    uint32_t commas
    uint32_t separators
    uint32_t ats
    uint32_t brackets
    uint32_t quotes
    uint32_t exclaimed
    uint32_t colons
    uint32_t asked
    uint32_t ideographs
    # Where in the folded block the first letter or ideograph begins and the last ends; the end is 0 without one.
    size_t inner
    size_t inner_end
    uint32_t first
    uint32_t whole

# A word, an ideograph or a mark beyond ASCII, and where it stands in the folded block.
cdef struct Unit:
    uint32_t hash
    uint16_t start
    uint16_t end
    uint16_t chars
    uint8_t kind
    uint8_t has_digit

# The way to a node of a lexicon: the code point that it is in, the bytes that this one still needs, and the hashes of
# all bytes and of those before the code point.
cdef struct Path:
    uint32_t hash
    uint32_t before
    uint32_t point
    uint8_t left
    uint8_t is_word

cdef struct Row:
    uint64_t fingerprint
    uint32_t whole
    uint32_t cues
    uint32_t functions
    uint32_t dates
    uint32_t first_word
    uint32_t last_word
    uint32_t index
    uint32_t is_lead

cdef struct Slot:
    uint32_t key
    uint32_t count
    uint32_t block

cdef struct Node:
    uint32_t first
    uint16_t value
    uint8_t byte
    uint8_t children

cdef struct Lexicon:
    Node* nodes
    u32p pairs
    cu8p openers

cdef struct Branch:
    int16_t place
    int16_t limit

cdef struct Forest:
    Branch* branches
    int16_t* leaves
    size_t trees
    int32_t few
    int32_t many
    int32_t page

# Blocks that are scored together: their rows, where their scores belong, and these so far.
cdef struct Some:
    size_t n
    i32p[16] rows
    uint32_t[16] places
    int32_t[16] scores

cdef struct Page:
    size_t n
    i32p table
    Row* rows
    u32p words
    size_t words_used
    Slot* slots
    uint32_t mask
    i32p sums
    size_t room
    size_t word_room
    size_t slot_room
    size_t units_used
    Unit[256] units
    uint8_t[2048] folded

cdef uint8_t[256] _ascii
# The factors of eight steps of a hash, of which the last some do nothing.
cdef uint32_t[16] _factors
