cimport cython

from myocan.hub.core.native cimport *

cdef class Instances:
    cdef public long long shown
    cdef long long _width
    cdef list _fixed_owner
    cdef long long* _slots
    cdef list _owner
    cdef long long* _initial
    cdef long long* _values
    cdef long long* _states
    cdef long long* _recent
    cdef long long* _key_of
    cdef list _keys
    cdef dict _added
    cdef set _removed
    cdef dict _places
    cdef list _free
    cdef long long _used
    cdef long long _capacity
    cdef long long _hand

    cpdef clear(self)
    cpdef long long count(self) noexcept
    cpdef list ordered(self)
    cpdef long long find(self, long long key_number) except? -99
    @cython.locals(place="long long", number="long long")
    cpdef long long add(self, long long key_number, str key) except -1
    @cython.locals(place="long long")
    cpdef remove(self, long long key_number, str key)
    @cython.locals(place="long long", key_number="long long")
    cpdef let_go(self, long long most, list texts)
    @cython.locals(cell="long long")
    cdef void keep(self, long long place, long long number, long long value, long long tag, long long written) noexcept
    @cython.locals(owner=list, used="long long", cells="long long")
    cdef void _own_places(self, long long capacity) except *
