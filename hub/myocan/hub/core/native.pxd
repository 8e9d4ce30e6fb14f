# In C what uncompiled.py defines in Python, for the compiled tables and dispatch. A number of the stack
# is 128 bits wide; what could leave them goes to the unbounded arithmetic of wide.py, which is the rule.

from cpython cimport array
from libc.string cimport memcpy

cdef extern from *:
    """
    typedef __int128 int128;
    #define MYOCAN_OVER (-(((int128)1 << 126) - 1) * 2 - 2)
    #define MYOCAN_UNIT 1000000000
    static inline int myocan_add(int128 a, int128 b, int128 *sum) {
        return __builtin_add_overflow(a, b, sum) || *sum == MYOCAN_OVER;
    }
    static const long long myocan_power[19] = {
        1LL, 10LL, 100LL, 1000LL, 10000LL, 100000LL, 1000000LL, 10000000LL, 100000000LL, 1000000000LL,
        10000000000LL, 100000000000LL, 1000000000000LL, 10000000000000LL, 100000000000000LL,
        1000000000000000LL, 10000000000000000LL, 100000000000000000LL, 1000000000000000000LL};
    /* n / d to the nearest, of two the even one; d > 0 */
    static inline int128 myocan_half_even(int128 n, int128 d) {
        int128 q = n / d, r = n % d;
        if (r < 0) { r += d; q -= 1; }
        return q + (r > d - r || (r == d - r && (q & 1)));
    }
    """
    ctypedef long long int128  # wider in C than Cython needs to know; never converted to Python as it is
    const int128 OVER "MYOCAN_OVER"
    const long long* POWERS "myocan_power"
    void _prefetch "__builtin_prefetch"(const void* place) nogil
    bint _add_overflows "myocan_add"(int128 a, int128 b, int128* sum) nogil
    int128 _half_even "myocan_half_even"(int128 n, int128 d) nogil

cdef enum:
    EVENT = 0
    ANY = 1
    ENUMERATION = 2
    BOOLEAN = 3
    DECIMAL = 4
    TEXT = 5
    TIME = 6

cdef enum:
    SUBSCRIBE = 0
    PUBLIC = 1
    PRIVATE = 2
    TIMER = 3

cdef enum:
    NULL_TAG = -1
    BOOL_TAG = -2
    TEXT_TAG = -3
    FORGOTTEN_TAG = -4

cdef enum:
    NOW_PART = 0
    HOUR_PART = 1
    MINUTE_PART = 2
    SECOND_PART = 3
    TIME_PART = 4

cdef enum:
    OVERFLOW = -1
    DIVISION_BY_ZERO = -2
    OUTSIDE = -3
    NOT_A_NUMBER = -4
    NO_KEY = -5
    RAISED = -6
    ENDLESS = -7

cdef enum:
    MATCHED = 0
    UNMATCHED = 1
    JUMP = 2
    JUMP_IF = 3
    JUMP_UNLESS = 4
    UNLESS_EQ = 5
    UNLESS_NE = 6
    UNLESS_LT = 7
    UNLESS_LE = 8
    UNLESS_GT = 9
    UNLESS_GE = 10
    PUSH = 11
    PUSH_TEXT = 12
    LOAD = 13
    LOAD_TEXT = 14
    LOAD_NUMBER = 15
    LOAD_TRUTH = 16
    ANY_EQUAL = 17
    HAS_NUMBER = 18
    ADD = 19
    SUB = 20
    MUL = 21
    DIV = 22
    NEG = 23
    ABS = 24
    MIN = 25
    MAX = 26
    ROUND = 27
    EQ = 28
    NE = 29
    LT = 30
    LE = 31
    GT = 32
    GE = 33
    NOT = 34
    SET = 35
    SET_TEXT = 36
    STORE = 37
    STORE_RAW = 38
    STORE_TEXT = 39
    COPY = 40
    ADD_CONST = 41
    NEXT = 42
    ACTIVATE = 43
    PIECE_TEXT = 44
    PIECE_VAR = 45
    PIECE_NUMBER = 46
    LOG = 47
    START = 48
    RESET = 49
    CANCEL = 50
    IS_NUMBER = 51
    LOAD_KEY = 52
    PIECE_KEY = 53
    CREATE = 54
    DROP = 55
    SELECT = 56
    SELECT_BY = 57
    DESELECT = 58
    DIFFERS = 59
    LOAD_CLOCK = 60
    ARGUMENT_TEXT = 61
    ARGUMENT_VAR = 62
    ARGUMENT_NUMBER = 63
    ARGUMENT_TRUTH = 64
    ARGUMENT_KEY = 65
    CALL = 66
    RUN = 67
    ASK = 68

cdef enum:  # of uncompiled.py
    STOPPED = -1
    TAKEN = 1
    LEFT = 0

cdef enum:  # of linker.py
    KEYLESS = -1
    OWN_KEY = -2
    EVERY_INSTANCE = -3
    ANY_KEY = -4

cdef enum:  # of linker.py
    COMMIT = 8

cdef enum:
    ATS = -1
    BIRTHS = -2

# What one cycle touches together lies together; linker.py and uncompiled.py tell what it means.
cdef struct Slot:
    long long value
    int tag
    int topic
    int touch
    int written
    int key

cdef struct Subscription:
    int key
    int module
    int variable
    int entry
    int base
    int meta
    int first_when
    int last_when

cdef inline void* _zeros(list owner, Py_ssize_t size) except NULL:
    cdef array.array cell_array = array.array("b", bytes(size or 1))  # NULL is an error
    owner.append(cell_array)
    return cell_array.data.as_voidptr

cdef inline Slot* slot_table(list owner, list initial, list topics, list keys) except NULL:
    cdef Py_ssize_t number
    cdef Slot* slots = <Slot*>_zeros(owner, sizeof(Slot) * (len(initial) + 1))
    for number in range(len(initial)):
        slots[number].value = initial[number]
        slots[number].tag = NULL_TAG
        slots[number].topic = topics[number]
        slots[number].key = keys[number]
    return slots

cdef inline Slot* grown_slots(list owner, Slot* slots, Py_ssize_t used, Py_ssize_t capacity) except NULL:
    cdef Slot* larger = <Slot*>_zeros(owner, sizeof(Slot) * capacity)
    memcpy(larger, slots, sizeof(Slot) * used)
    return larger

cdef inline long long state_of(long long tag, long long written) noexcept:
    return 2 * tag + written

cdef inline Subscription* subscription_table(list owner, list rows) except NULL:
    cdef Py_ssize_t number
    cdef Subscription* table = <Subscription*>_zeros(owner, sizeof(Subscription) * (len(rows) + 1))
    for number, row in enumerate(rows):
        table[number].key = row.key
        table[number].module = row.module
        table[number].variable = row.variable
        table[number].entry = row.entry
        table[number].base = row.base
        table[number].meta = row.meta
        table[number].first_when = row.first_when
        table[number].last_when = row.last_when
    table[len(rows)].key = KEYLESS
    table[len(rows)].module = -1
    return table

# The tables of very many modules do not fit the processor's cache, and a cycle would wait for memory
# three times: for its topic, then the subscription, then the slots. So each is asked for some messages
# before its turn, when what leads to it has come. A topic that nobody hears may lead to the row behind
# the last subscription, which is there and empty.
cdef inline void look_ahead(
        const long long* first, const Subscription* subscriptions, const Slot* slots,
        long long far, long long near, long long nearest) noexcept:
    cdef const Slot* variables = slots + subscriptions[first[nearest]].base
    _prefetch(first + far)
    _prefetch(subscriptions + first[near])
    _prefetch(variables)
    _prefetch(variables + 2)  # 64 bytes on: the next cache line

cdef inline long long* table(list owner, list cells) except NULL:
    cdef array.array cell_array = array.array("q", cells)
    if not cells:
        cell_array = array.array("q", (0,))
    owner.append(cell_array)
    return cell_array.data.as_longlongs

cdef inline long long* grown(list owner, long long* cells, Py_ssize_t used, Py_ssize_t capacity) except NULL:
    cdef array.array cell_array = array.array("q", bytes(8 * capacity or 8))  # NULL is an error
    if used:
        memcpy(cell_array.data.as_longlongs, cells, 8 * used)
    owner.append(cell_array)
    return cell_array.data.as_longlongs

cdef inline int128 times_power(long long value, long long power) noexcept:
    return <int128>value * POWERS[power]

cdef inline int128 plus(long long value, long long other) noexcept:
    return <int128>value + <int128>other

cdef inline long long narrow(int128 value) noexcept:
    return <long long>value

cdef inline object to_python(int128 value):
    return (<object><long long>(value >> 64) << 64) | <unsigned long long>value

cdef inline int128 _from_python(object value):
    return (<int128><long long>(value >> 64) << 64) | <unsigned long long>(value & 0xFFFFFFFFFFFFFFFF)

cdef inline bint beyond_64_bits(int128 value) noexcept:
    return value != <int128><long long>value

cdef inline bint _small(int128 value) noexcept:
    # so that a product of two, or one times 10 ** 9, stays within 128 bits
    return -(1LL << 62) < value < (1LL << 62)

cdef inline int128 to_units(int128 number, long long decimals) noexcept:
    return _half_even(number, POWERS[9 - decimals])

cdef inline int128 rescale(long long units, long long from_decimals, long long to_decimals) noexcept:
    if to_decimals >= from_decimals:
        return <int128>units * POWERS[to_decimals - from_decimals]
    return _half_even(units, POWERS[from_decimals - to_decimals])

cdef inline int128 _unbounded(str name, int128 a, object b):
    from myocan.hub.core import wide
    return _from_python(getattr(wide, name)(to_python(a), b))

cdef inline int128 wide_round(int128 number, long long digits):
    if _small(number):
        return _half_even(number, POWERS[9 - digits]) * POWERS[9 - digits]
    return _unbounded("wide_round", number, digits)

cdef inline int128 combine(long long op, int128 a, int128 b):
    cdef int128 result = 0
    if op == ADD:
        return OVER if _add_overflows(a, b, &result) else result
    if op == SUB:
        return OVER if _add_overflows(a, -b, &result) else result
    if op == EQ:
        return a == b
    if op == NE:
        return a != b
    if op == LT:
        return a < b
    if op == LE:
        return a <= b
    if op == GT:
        return a > b
    if op == GE:
        return a >= b
    if op == MUL:
        if _small(a) and _small(b):
            return _half_even(a * b, POWERS[9])
        return _unbounded("wide_multiply", a, to_python(b))
    if op == DIV:
        if _small(a) and _small(b):
            return _half_even(a * POWERS[9], b) if b > 0 else _half_even(-a * POWERS[9], -b)
        return _unbounded("wide_divide", a, to_python(b))
    if op == MIN:
        return a if a < b else b
    return a if a > b else b
