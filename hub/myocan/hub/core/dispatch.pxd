cimport cython

from myocan.hub.core.commits cimport Commits
from myocan.hub.core.instances cimport Instances
from myocan.hub.core.native cimport *

cdef class Core(Commits):
    cdef long long _last_row
    cdef long long _deepest
    cdef long long _most_rows

    @cython.locals(head="long long", count=Py_ssize_t, number=Py_ssize_t, topic="long long", instance="long long")
    cpdef long long run(
        self, long long[::1] topics, long long[::1] tags, long long[::1] values, long long now_ms=*,
        long long[::1] instances=*, long long offset=*, object producers=*, object stamps=*,
        long long[::1] times=*, long long[::1] offsets=*) except -1
    @cython.locals(
        count=Py_ssize_t, known="long long", pool="long long", finest="long long", number=Py_ssize_t,
        tag="long long",
    )
    cdef void _check(self, long long[::1] topics, long long[::1] tags, long long[::1] values) except *
    @cython.locals(pool="long long", number=Py_ssize_t)
    cdef void _check_texts(self, long long[::1] numbers, Py_ssize_t count) except *
    @cython.locals(
        depth="long long", rows="long long", instance="long long", heard="Subscription*", sub="long long",
        key="long long",
    )
    cdef void _dispatch(self, long long row, long long topic) except *
    @cython.locals(heard="Subscription*", outcome="long long", after="long long")
    cdef void _cycle(self, long long row, long long sub) except *
    @cython.locals(
        module="long long", own=Instances, key_number="long long", place="long long", outcome="long long")
    cdef void _cycle_of_instance(self, long long row, long long sub) except *
    @cython.locals(
        heard="Subscription*", module="long long", base="long long", meta="long long", own=Instances,
        class_touched="long long", ats=bint, entry="long long", has_ons=bint, taken=bint, last="long long",
        alive=bint, key_number="long long", place="long long", key=str, texts="long long",
        rows="long long", changes="long long", brought="long long", passing=bint,
    )
    cdef void _every_instance(self, long long row, long long sub) except *
    cdef bint _has_class_ons(self, long long sub) noexcept
    cdef bint _is_just_born(self, long long module, str key) except -1
    @cython.locals(number="long long")
    cdef bint _concerned(self, long long first, long long last, long long base, long long meta) noexcept
    @cython.locals(heard="Subscription*", key_number="long long", tag="long long")
    cdef void _cycle_of_births(self, long long row, long long sub) except *
