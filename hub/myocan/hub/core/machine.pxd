cimport cython

from myocan.hub.core.native cimport *
from myocan.hub.core.variables cimport Variables

cdef class Machine(Variables):
    cdef public bint tracing
    cdef list _trail
    cdef list _messages
    cdef list _births
    cdef list _pieces
    cdef bint _effects
    cdef long long _now
    cdef long long _instance
    cdef long long _mark
    cdef long long _pc
    cdef public str said
    cdef long long _home
    cdef long long _home_meta
    cdef int128 _stack[64]

    @cython.locals(
        code="long long*", slots="Slot*", stack="int128*", home="long long", top="long long", op="long long",
        a="long long", b="long long", value="long long", outcome="long long", tracing=bint,
    )
    cdef long long _execute(self, long long pc, long long base, long long meta) except? -99
    @cython.locals(
        stack="int128*", a="long long", b="long long", slot="long long", number=int128, clock="long long",
        is_text=bint, is_number=bint, source="long long", tag="long long", text_number="long long",
        key_number="long long",
    )
    cdef long long _execute_rare(
        self, long long op, long long pc, long long base, long long meta, long long top) except? -99
    @cython.locals(
        a="long long", slot="long long", tag="long long", value="long long", answer="long long")
    cdef long long _execute_words(
        self, long long op, long long pc, long long base, long long meta, long long top) except? -99
    cdef void _effect(self, long long topic, str text, long long pc) except *
    cdef bint _is_key(self, long long text_number) except -1
    cdef long long _selected(self, long long slot, long long key_number, long long op) except -1
    @cython.locals(minutes="long long")
    cdef long long _clock(self, long long part, long long offset) noexcept
    @cython.locals(tag="long long", other_tag="long long")
    cdef bint _same(self, long long one, long long other) noexcept
    cdef long long _store_number(
        self, long long slot, long long meta, int128 number, long long pc) noexcept
    cdef long long _store_units(
        self, long long slot, long long meta, int128 units, long long pc) noexcept
