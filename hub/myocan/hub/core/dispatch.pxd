cimport cython

from myocan.hub.core.native cimport *
from myocan.hub.core.tables cimport Tables

cdef class Core(Tables):
    cdef list _log_lines
    cdef list _pieces
    cdef bint _logging
    cdef long long _now
    cdef int128 _stack[64]
    cdef long long _last_row
    cdef long long _deepest
    cdef long long _most_rows
    cdef long long _pc

    @cython.locals(head="long long", count=Py_ssize_t, number=Py_ssize_t, topic="long long")
    cpdef long long run(self, long long[::1] topics, long long[::1] tags, long long[::1] values, long long now_ms=*) except -1
    @cython.locals(
        count=Py_ssize_t, known="long long", pool="long long", finest="long long", number=Py_ssize_t,
        tag="long long",
    )
    cdef void _check(self, long long[::1] topics, long long[::1] tags, long long[::1] values) except *
    @cython.locals(sub="long long")
    cdef void _dispatch(self, long long row, long long topic) except *
    @cython.locals(
        heard="Subscription*", base="long long", meta="long long", entry="long long",
        number="long long", slot="long long", outcome="long long", first="long long", last="long long", failure="long long",
    )
    cdef void _cycle(self, long long row, long long sub) except *
    @cython.locals(due="long long")
    cdef bint _runs_out(self, long long meta, long long slot, long long tag) noexcept
    @cython.locals(
        heard="Subscription*", module="long long", base="long long", meta="long long", code="long long",
        named=list, outcome="long long", first="long long", last="long long",
    )
    cdef void _cycle_of_ats(self, long long row, long long sub) except *
    @cython.locals(count="long long", when="long long", number="long long", outcome="long long")
    cdef long long _react(
        self, long long first, long long last, long long base, long long meta) except? -99
    @cython.locals(number="long long", slot="long long")
    cdef void _undo(self) except *
    @cython.locals(
        count="long long", order="long long*", number="long long", place="long long", slot="long long",
        meta="long long", kind="long long", differs=bint,
    )
    cdef void _finish(self, long long row, long long module, long long meta_of_base) except *
    cdef void _drop_log_lines(self) except *
    cdef void _record(self, long long kind, str text, long long module, long long row, long long pc) except *
    @cython.locals(module="long long", number="long long", pc="long long", line="long long")
    cdef void _record_of(self, long long kind, long long row, long long sub, long long outcome) except *
    @cython.locals(
        code="long long*", slots="Slot*", stack="int128*", top="long long", op="long long",
        a="long long", b="long long", value="long long", outcome="long long",
    )
    cdef long long _execute(self, long long pc, long long base, long long meta) except? -99
    @cython.locals(
        stack="int128*", a="long long", b="long long", slot="long long", number=int128,
        is_text=bint, is_number=bint, source="long long", tag="long long", text_number="long long",
    )
    cdef long long _execute_rare(
        self, long long op, long long pc, long long base, long long meta, long long top) except? -99
    @cython.locals(tag="long long", other_tag="long long")
    cdef bint _same(self, long long one, long long other) noexcept
    cdef long long _store_number(
        self, long long slot, long long meta, int128 number, long long pc) noexcept
    cdef long long _store_units(
        self, long long slot, long long meta, int128 units, long long pc) noexcept
