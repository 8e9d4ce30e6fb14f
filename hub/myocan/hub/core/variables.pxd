cimport cython

from myocan.hub.core.instances cimport Instances
from myocan.hub.core.native cimport *
from myocan.hub.core.tables cimport Tables

cdef class Variables(Tables):
    cdef dict _slot_numbers
    cdef dict _module_numbers
    cdef list _slot_names
    cdef list _instances
    cdef list _keyed_modules
    cdef Instances _no_instances
    cdef dict _elements
    cdef list _element_owners
    cdef list _element_owner
    cdef frozenset _other_topics
    cdef Py_ssize_t _fixed_texts
    cdef long long _fixed_slots
    cdef long long _slot_capacity
    cdef object _shelf
    cdef long long _most_instances
    cdef set _gone
    cdef object _cold
    cdef long long _brought
    cdef dict _methods

    @cython.locals(slot="long long", key_number="long long")
    cpdef bint restore(self, str module, str name, long long tag, long long value, str instance=*) except -1
    @cython.locals(slot="long long", meta="long long")
    cpdef read(self, str module, str name, str instance=*)
    @cython.locals(meta="long long", holds=bint)
    cdef bint _is_written(self, long long slot) except -1
    @cython.locals(meta="long long")
    cdef tuple _scalar(self, long long slot)
    @cython.locals(slot="long long", number="long long", place="long long")
    cdef long long _slot_of(self, str module, str name, str instance) except? -99
    cdef bint _accept(self, long long meta, long long tag, long long value) except -1
    @cython.locals(place="long long")
    cdef long long _find(self, long long module, str key) except? -99
    @cython.locals(place="long long")
    cdef long long _place_of(self, long long module, long long key_number) except? -99
    cdef long long _fetch(self, long long module, str key) except? -99
    @cython.locals(
        own=Instances, place="long long", slot="long long", meta="long long", number="long long",
        tag="long long", value="long long")
    cdef long long _bring(self, long long module, str key, object cold) except? -99
    cdef object _alive(self, long long module)
    @cython.locals(own=Instances, most="long long", there="long long", left="long long", share="long long")
    cpdef long long let_go(self) except -1
    @cython.locals(own=Instances, place="long long", slots="Slot*")
    cdef void _keep_if_keyed(self, long long module, long long slot) except *
    @cython.locals(cell="long long", slots="Slot*", number="long long", slot="long long")
    cdef void _show(self, Instances own, long long place) noexcept
    @cython.locals(slots="Slot*", number="long long")
    cdef long long _element(self, long long slot, long long key_number) except -1
    @cython.locals(owner=list)
    cdef void _own_elements(self, long long used, long long capacity) except *
