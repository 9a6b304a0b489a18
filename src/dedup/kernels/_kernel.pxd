# What Python's syntax cannot say: unaligned loads, a count of trailing zeros, a 128-bit product, and the C structs.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    #error "dedup's kernel reads little-endian words"
    #endif

    static inline uint64_t dd_load64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return v; }
    static inline uint32_t dd_load32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return v; }
    static inline void dd_store32(uint8_t *p, uint32_t v) { memcpy(p, &v, 4); }
    static inline void dd_store64(uint8_t *p, uint64_t v) { memcpy(p, &v, 8); }

    #define DD_PRIME32_1 0x9E3779B1ULL
    #define DD_PRIME32_2 0x85EBCA77ULL
    #define DD_PRIME32_3 0xC2B2AE3DULL
    #define DD_PRIME64_1 0x9E3779B185EBCA87ULL
    #define DD_PRIME64_2 0xC2B2AE3D27D4EB4FULL
    #define DD_PRIME64_3 0x165667B19E3779F9ULL
    #define DD_PRIME64_4 0x85EBCA77C2B2AE63ULL
    #define DD_PRIME64_5 0x27D4EB2F165667C5ULL
    #define DD_PRIME_MX1 0x165667919E3779F9ULL
    #define DD_PRIME_MX2 0x9FB21C651E98DF25ULL
    #define DD_BASE 0x9E3779B97F4A7C15ULL
    #define DD_MIX_1 0xBF58476D1CE4E5B9ULL
    #define DD_MIX_2 0x94D049BB133111EBULL
    #define DD_ONES 0x0101010101010101ULL
    #define DD_HIGHS 0x8080808080808080ULL
    #define DD_GATHER 0x0102040810204080ULL
    #define DD_TOP_BIT 0x8000000000000000ULL
    #define DD_HIGH_TWO 0xC0C0C000ULL
    #define DD_HIGH_ONE 0x80808000ULL
    #define DD_TWO_BYTES 0x80C0U
    #define DD_TWO_BYTES_MASK 0xC0E0U
    #define DD_MAX64 0xFFFFFFFFFFFFFFFFULL
    #define DD_LOW32 0xFFFFFFFFULL
    #define DD_FMIX32_1 0x85EBCA6BU
    #define DD_FMIX32_2 0xC2B2AE35U
    #define DD_FMIX64_1 0xFF51AFD7ED558CCDULL
    #define DD_FMIX64_2 0xC4CEB9FE1A85EC53ULL
    #define DD_MERSENNE_61 0x1FFFFFFFFFFFFFFFULL

    /* XXH3's default secret (xxHash specification, section "XXH3 algorithm overview"), as little-endian words. */
    static const uint64_t dd_secret[24] = {
        0xbe4ba423396cfeb8ULL, 0x1cad21f72c81017cULL, 0xdb979083e96dd4deULL, 0x1f67b3b7a4a44072ULL,
        0x78e5c0cc4ee679cbULL, 0x2172ffcc7dd05a82ULL, 0x8e2443f7744608b8ULL, 0x4c263a81e69035e0ULL,
        0xcb00c391bb52283cULL, 0xa32e531b8b65d088ULL, 0x4ef90da297486471ULL, 0xd8acdea946ef1938ULL,
        0x3f349ce33f76faa8ULL, 0x1d4f0bc7c7bbdcf9ULL, 0x3159b4cd4be0518aULL, 0x647378d9c97e9fc8ULL,
        0xc3ebd33483acc5eaULL, 0xeb6313faffa081c5ULL, 0x49daf0b751dd0d17ULL, 0x9e68d429265516d3ULL,
        0xfca1477d58be162bULL, 0xce31d07ad1b8f88fULL, 0x280416958f3acb45ULL, 0x7e404bbbcafbd7afULL,
    };

    /* Which of 64 folded bytes belong to a token: those from '0' on; a space and the mark of unspaced scripts are below. */
    #if defined(__SSE2__) || defined(_M_X64)
    #include <emmintrin.h>
    static inline uint64_t dd_token_bits(const uint8_t *p) {
        const __m128i least = _mm_set1_epi8('0');
        uint64_t bits = 0;
        for (int i = 0; i < 4; i++) {
            const __m128i x = _mm_loadu_si128((const __m128i *)(p + 16 * i));
            bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(x, least), x)) << (16 * i);
        }
        return bits;
    }

    /* XXH3 takes in 64 bytes: each lane its word times what the secret makes of it, and the word of its neighbour. */
    static inline void dd_stripe(uint64_t *lanes, const uint8_t *p, const uint8_t *secret) {
        for (int i = 0; i < 4; i++) {
            const __m128i x = _mm_loadu_si128((const __m128i *)(p + 16 * i));
            const __m128i key = _mm_xor_si128(x, _mm_loadu_si128((const __m128i *)(secret + 16 * i)));
            const __m128i sum = _mm_add_epi64(_mm_mul_epu32(key, _mm_srli_epi64(key, 32)), _mm_shuffle_epi32(x, 0x4E));
            __m128i *lane = (__m128i *)(lanes + 2 * i);
            _mm_storeu_si128(lane, _mm_add_epi64(_mm_loadu_si128(lane), sum));
        }
    }
    #else
    static inline uint64_t dd_token_bits(const uint8_t *p) {
        uint64_t bits = 0;
        for (int i = 0; i < 8; i++) {
            uint64_t x = dd_load64(p + 8 * i);
            x = ((x << 3) | (x << 1) | x) & DD_HIGHS;  /* bit 4, 6 or 7 is set */
            bits |= ((x >> 7) * DD_GATHER) >> 56 << (8 * i);
        }
        return bits;
    }

    static inline void dd_stripe(uint64_t *lanes, const uint8_t *p, const uint8_t *secret) {
        for (int i = 0; i < 8; i++) {
            const uint64_t x = dd_load64(p + 8 * i), key = x ^ dd_load64(secret + 8 * i);
            lanes[i ^ 1] += x;
            lanes[i] += (key & DD_LOW32) * (key >> 32);
        }
    }
    #endif

    #if defined(_MSC_VER)
    #include <intrin.h>
    static inline int dd_ctz64(uint64_t x) { unsigned long i; _BitScanForward64(&i, x); return (int)i; }
    static inline int dd_popcount64(uint64_t x) { return (int)__popcnt64(x); }
    static inline uint64_t dd_swap64(uint64_t x) { return _byteswap_uint64(x); }
    static inline uint64_t dd_mulfold(uint64_t a, uint64_t b) {
        uint64_t high, low = _umul128(a, b, &high); return low ^ high;
    }
    #else
    static inline int dd_ctz64(uint64_t x) { return __builtin_ctzll(x); }
    static inline int dd_popcount64(uint64_t x) { return __builtin_popcountll(x); }
    static inline uint64_t dd_swap64(uint64_t x) { return __builtin_bswap64(x); }
    static inline uint64_t dd_mulfold(uint64_t a, uint64_t b) {
        __extension__ typedef unsigned __int128 dd_u128;
        dd_u128 p = (dd_u128)a * b; return (uint64_t)p ^ (uint64_t)(p >> 64);
    }
    #endif
    """
    const uint64_t PRIME32_1 "DD_PRIME32_1"
    const uint64_t PRIME32_2 "DD_PRIME32_2"
    const uint64_t PRIME32_3 "DD_PRIME32_3"
    const uint64_t PRIME64_1 "DD_PRIME64_1"
    const uint64_t PRIME64_2 "DD_PRIME64_2"
    const uint64_t PRIME64_3 "DD_PRIME64_3"
    const uint64_t PRIME64_4 "DD_PRIME64_4"
    const uint64_t PRIME64_5 "DD_PRIME64_5"
    const uint64_t PRIME_MX1 "DD_PRIME_MX1"
    const uint64_t PRIME_MX2 "DD_PRIME_MX2"
    const uint64_t BASE "DD_BASE"
    const uint64_t MIX_1 "DD_MIX_1"
    const uint64_t MIX_2 "DD_MIX_2"
    const uint64_t ONES "DD_ONES"
    const uint64_t HIGHS "DD_HIGHS"
    const uint64_t TOP_BIT "DD_TOP_BIT"
    const uint64_t HIGH_TWO "DD_HIGH_TWO"
    const uint64_t HIGH_ONE "DD_HIGH_ONE"
    const uint32_t TWO_BYTES "DD_TWO_BYTES"
    const uint32_t TWO_BYTES_MASK "DD_TWO_BYTES_MASK"
    const uint64_t MAX64 "DD_MAX64"
    const uint64_t LOW32 "DD_LOW32"
    const uint32_t FMIX32_1 "DD_FMIX32_1"
    const uint32_t FMIX32_2 "DD_FMIX32_2"
    const uint64_t FMIX64_1 "DD_FMIX64_1"
    const uint64_t FMIX64_2 "DD_FMIX64_2"
    const uint64_t MERSENNE_61 "DD_MERSENNE_61"
    const uint64_t *SECRET "dd_secret"
    uint64_t load64 "dd_load64"(const uint8_t *p) noexcept nogil
    uint32_t load32 "dd_load32"(const uint8_t *p) noexcept nogil
    void store32 "dd_store32"(uint8_t *p, uint32_t v) noexcept nogil
    void store64 "dd_store64"(uint8_t *p, uint64_t v) noexcept nogil
    int ctz64 "dd_ctz64"(uint64_t x) noexcept nogil
    int popcount64 "dd_popcount64"(uint64_t x) noexcept nogil
    uint64_t swap64 "dd_swap64"(uint64_t x) noexcept nogil
    uint64_t mulfold "dd_mulfold"(uint64_t a, uint64_t b) noexcept nogil
    uint64_t token_bits "dd_token_bits"(const uint8_t *p) noexcept nogil
    void stripe "dd_stripe"(uint64_t *lanes, const uint8_t *p, const uint8_t *secret) noexcept nogil

ctypedef uint8_t *u8p
ctypedef const uint8_t *cu8p
ctypedef uint32_t *u32p
ctypedef uint64_t *u64p
ctypedef int64_t *i64p

# What the low three bits of a fold table entry say; tools/build_fold_table.py writes them.
cdef enum:
    SEPARATOR
    DROP
    COPY
    COPY_UNSPACED
    HANGUL
    EXPAND
    EXPAND_UNSPACED

# What the functions below return instead of a count.
cdef enum:
    INVALID_UTF8 = -1
    NO_MEMORY = -2
    NO_ROOM = -3
    TOO_LONG = -4

# The longest text, in bytes: a place in what it folds to, at most twelve times as long, fits 32 bits.
cdef enum:
    MAX_TEXT = 0x4000000

# So many bytes of texts are kept while pairs are aligned; those beyond are read again for each pair.
cdef enum:
    HELD = 0x2000000

# Code points of which it is known whether they are capitals: Latin, Greek, Cyrillic, Armenian.
cdef enum:
    CAPITALS = 0x590

# The most half words that a substituted fact takes on either side.
cdef enum:
    FACT = 24

# Bytes before and after the folded text that may be read or written past its ends.
cdef enum:
    PAD = 64

# Buffers of one thread, grown to the longest text it meets.
cdef struct Scratch:
    uint8_t *folded      # folded text, PAD bytes into its block
    size_t folded_size
    size_t folded_room
    uint32_t *edges      # where tokens begin and end in `folded`, in turn
    uint32_t *classes    # token numbers by length class, 4 lists
    uint64_t *hashes     # of the tokens
    uint64_t *prefixes   # polynomial hashes of the first 0, 1, ... tokens
    uint64_t *shingles
    uint64_t *sorting    # the other side of the radix sort
    size_t token_room
    size_t tokens
    size_t shingle_count
    int unspaced         # whether a token is of a script written without spaces

# What an alignment needs of a text, in one block that begins with the hashes.
cdef struct Text:
    const uint8_t *text
    size_t size
    size_t pairs         # that are still to be aligned
    size_t room          # bytes of the block
    size_t tokens
    uint64_t *hashes     # of the tokens
    uint64_t *shingles   # that begin with each token
    uint32_t *table      # hash table of shingles: the token each begins with first, plus one; 0 is empty
    size_t mask          # its slots, less one
    uint32_t *untils     # up to which token each begins a shingle that is new; 0 where it begins none
    uint32_t *edges      # where tokens begin and end in `folded`, in turn
    uint32_t *weights    # half words before each token
    uint8_t *names       # which tokens are names
    int named            # whether `names` has been filled
    uint8_t *folded

# Anchors of an alignment that are neighbours in both texts: where the first begins, how many, the run after them.
cdef struct Run:
    uint32_t left
    uint32_t right
    uint32_t count
    uint32_t next

# The slots of a signature while it is made.
cdef struct Slots:
    size_t count
    int shift            # what is left of a hash, shifted by that, is its slot
    uint64_t *bins       # the least hash of each slot
    uint32_t *empty      # which slots are empty
    uint32_t *lane       # the permutation of each slot: its slot times the next one by two
    uint32_t *least      # of each permutation

# Values of many texts, one after the other.
cdef struct Sink:
    uint64_t *values
    size_t size
    size_t room

# The fold table, a copy of what `load_table` was given: the block of a code point, the entries, the expansions; and the
# folded bytes of code points below 0x800 themselves (from 0x80 on at 0x800 + point): their length above three bytes, or
# LONG.
cdef enum:
    LONG = 255
cdef uint32_t _small[0x1000]
cdef u8p _index
cdef u32p _entries
cdef u8p _expansions
