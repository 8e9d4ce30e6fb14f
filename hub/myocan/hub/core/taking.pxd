cimport cython

from myocan.hub.core.cycle cimport Cycle
from myocan.hub.core.native cimport *

cdef class Taking(Cycle):
    cdef long long _outcome

    cdef void _begin(self, long long row, long long sub, long long instance) except *
    @cython.locals(
        heard="Subscription*", base="long long", meta="long long", entry="long long",
        number="long long", slot="long long", outcome="long long", first="long long", last="long long", failure="long long",
    )
    cdef long long _take(self, long long row, long long sub) except? -99
    @cython.locals(
        heard="Subscription*", base="long long", meta="long long", outcome="long long", failure="long long")
    cdef long long _react_of_instance(self, long long row, long long sub, long long entry) except? -99
    @cython.locals(due="long long")
    cdef bint _runs_out(self, long long meta, long long slot, long long tag) noexcept
    @cython.locals(module="long long")
    cdef void _cycle_of_ats(self, long long row, long long sub) except *
    @cython.locals(
        heard="Subscription*", module="long long", base="long long", meta="long long", code="long long",
        outcome="long long", failure="long long", reason="long long",
    )
    cdef long long _try_ats(self, long long row, long long sub, list named, bint keyed) except? -99
