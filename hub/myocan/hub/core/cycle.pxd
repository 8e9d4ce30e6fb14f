cimport cython

from myocan.hub.core.instances cimport Instances
from myocan.hub.core.granted cimport Granted
from myocan.hub.core.native cimport *

cdef class Cycle(Granted):
    cdef long long _newborn
    cdef long long _offset
    cdef object _producers
    cdef object _stamps
    cdef set _just_born

    @cython.locals(count="long long", when="long long", number="long long", outcome="long long")
    cdef long long _react(
        self, long long first, long long last, long long base, long long meta) except? -99
    @cython.locals(number="long long", slot="long long", of_map=bint)
    cdef bint _read_differs(self, long long read, long long base, long long meta) noexcept
    @cython.locals(number="long long", slot="long long")
    cdef void _undo(self) except *
    @cython.locals(
        mark="long long", count="long long", order="long long*", elements=bint,
        place="long long", number="long long", slot="long long", meta="long long", named="long long",
        key="long long", kind="long long", differs=bint, publish_key="long long", slots="Slot*",
        touched="long long*", fixed="long long", instance="long long", public=bint, tag="long long",
        value="long long",
    )
    cdef void _finish(self, long long row, long long module, long long meta_of_base) except *
    @cython.locals(
        base="long long", number="long long", slot="long long", meta="long long", hidden="long long")
    cdef void _note_modified(self, long long module, long long meta_of_base) except *
    @cython.locals(number="long long", place="long long")
    cdef void _put_maps_in_order(self) except *
    @cython.locals(slot="long long")
    cpdef tuple _declared(self, long long number)
    @cython.locals(key_number="long long")
    cdef void _tell_birth(self, long long row, long long module) except *
    cdef void _emit_birth(
        self, long long row, long long module, long long tag, long long key_number, long long pc) except *
    @cython.locals(depth="long long")
    cdef void _tell_effects(self, long long row, long long module) except *
    cdef void _note_birth(self, long long module, long long key_number) except *
    cdef void _forget_effects(self) except *
    @cython.locals(depth="long long")
    cdef void _record(self, long long kind, str text, long long module, long long row, long long pc) except *
    @cython.locals(module="long long", number="long long", pc="long long", line="long long")
    cdef void _record_of(self, long long kind, long long row, long long sub, long long outcome) except *
    @cython.locals(base="long long", slot="long long", value="long long")
    cdef void _count_endless(self, long long row, long long module) except *
    cdef str _key_text(self)
    @cython.locals(source="long long", slot="long long", key="long long", stamp="long long", producer_number="long long")
    cdef void _observe(self, long long row, long long base, long long meta, long long number) except *
    cdef bint _bear(self, long long row, long long module, long long key_number) except -1
    @cython.locals(own=Instances, place="long long", base="long long", variable="long long")
    cdef bint _drop(self, long long row, long long module, long long key_number) except -1
