cimport cython

from myocan.hub.core.dispatch cimport Core
from myocan.hub.core.native cimport *

cdef class Recorded:
    cdef Core _core
    cdef object _intern
    cdef object _name_of
    cdef object _producer_of
    cdef object _number_of
    cdef object _number_of_producer
    cdef long long _epoch
    cdef Py_ssize_t _fed
    cdef Py_ssize_t _capacity
    cdef long long _change
    cdef bint _observes
    cdef list _left
    cdef dict _inputs
    cdef dict _scalars
    cdef dict _texts
    cdef dict _names
    cdef dict _slots
    cdef set _variables
    cdef list _modules
    cdef list _lines
    cdef long long[::1] _topics
    cdef long long[::1] _tags
    cdef long long[::1] _values
    cdef long long[::1] _instances
    cdef long long[::1] _offsets
    cdef long long[::1] _times
    cdef long long[::1] _producers
    cdef long long[::1] _stamps
    cdef long long[::1] _places
    cdef long long[::1] _ends

    @cython.locals(
        core=Core, count=Py_ssize_t, last=Py_ssize_t, fed=Py_ssize_t, number=Py_ssize_t, place=Py_ssize_t,
        end=Py_ssize_t, row=tuple, known=tuple, scalar=tuple,
    )
    cpdef feed(self, list rows, list places)
    @cython.locals(place=Py_ssize_t, row=tuple)
    cpdef list inputs(self, list rows)
    @cython.locals(place=Py_ssize_t, row=tuple)
    cpdef list others(self, list rows, set names)
    @cython.locals(
        core=Core, count="long long", row="long long", first="long long", number=Py_ssize_t, place=Py_ssize_t,
        end=Py_ssize_t,
    )
    cpdef list differing(self, list rows)
    @cython.locals(
        core=Core, logged=tuple, offset="long long", time_ms="long long", row="long long", time_of="long long",
        offset_of="long long", cause="long long",
    )
    cdef bint _agrees(
        self, list rows, Py_ssize_t place, Py_ssize_t end, long long first, long long last) except -1
    cdef bint _input_agrees(self, tuple logged, object changes) except -1
    @cython.locals(core=Core, change="long long", count="long long", said=str)
    cdef object _changes_of(self, long long row)
    @cython.locals(name="long long")
    cdef str _change_text(self, long long slot, long long tag, long long value, long long key)
    @cython.locals(name="long long")
    cdef object _topic_number(self, long long topic, long long key)
    @cython.locals(number="long long")
    cdef str _text(self, long long tag, long long value)
    cdef tuple _scalar(self, str text)
    cdef tuple _input(self, object number)
    cdef _follow(self)
    cdef _own_inputs(self, Py_ssize_t capacity)
