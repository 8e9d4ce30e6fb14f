cimport cython

from myocan.hub.core.taking cimport Taking
from myocan.hub.core.native cimport *

cdef class Commits(Taking):
    cdef dict _ahead
    cdef long long _commit_end

    @cython.locals(
        first="long long", depth="long long", number="long long", module="long long",
        topic="long long", tag="long long", value="long long", key="long long")
    cdef void _spread(self, long long row) except *
    @cython.locals(
        module="long long", slot="long long", number="long long", meta="long long",
        tag="long long", value="long long", key_number="long long")
    cdef tuple _field(self, long long row, str name, str text)
    cdef void _refuse(self, long long row, str text, long long module=*) except *
    @cython.locals(
        heard="Subscription*", topic="long long", instance="long long", sub="long long",
        number="long long", key="long long", slot="long long")
    cdef void _store_ahead(self, long long row, long long only) except *
    @cython.locals(number="long long")
    cdef void _tell_newborn(self, long long row, long long module) except *
    @cython.locals(value="long long", tag="long long")
    cdef void _take_back(self, long long row, long long sub) except *
    @cython.locals(sub="long long")
    cdef void _take_all_back(self, long long row, long long topic) except *
    @cython.locals(module="long long", place="long long")
    cdef bint _shows(self, long long sub, long long instance) except -1
    @cython.locals(slot="long long")
    cdef void _put(self, long long sub, long long value, long long tag) except *
