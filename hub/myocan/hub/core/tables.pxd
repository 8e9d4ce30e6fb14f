cimport cython

from myocan.hub.core.native cimport *

cdef class Tables:
    cdef public long long epoch
    cdef public list texts
    cdef public object layout
    cdef public list programs
    cdef public list topics
    cdef dict _text_numbers
    cdef dict _topic_numbers
    cdef list _layout_owner
    cdef list _row_owner
    cdef list _change_owner
    cdef long long* _code
    cdef long long* _type
    cdef long long* _role
    cdef long long* _decimals
    cdef long long* _lower
    cdef long long* _upper
    cdef long long* _first
    cdef long long* _count
    cdef long long* _members
    cdef long long* _place
    cdef long long* _modified
    cdef long long* _observed
    cdef bint _notes_changes
    cdef Slot* _slots
    cdef Subscription* _subscriptions
    cdef long long* _slot_meta
    cdef long long* _when_condition
    cdef long long* _when_actions
    cdef long long* _when_reads
    cdef long long* _reads
    cdef long long* _topic_first
    cdef long long* _chosen
    cdef long long* _touched_slot
    cdef long long* _touched_value
    cdef long long* _touched_tag
    cdef long long* _touched_written
    cdef long long* _touched_pc
    cdef long long* _order
    cdef long long* _row_topic
    cdef long long* _row_tag
    cdef long long* _row_value
    cdef long long* _row_module
    cdef long long* _row_cause
    cdef long long* _row_pc
    cdef long long* _row_depth
    cdef long long* _row_instance
    cdef long long* _change_row
    cdef long long* _change_slot
    cdef long long* _change_tag
    cdef long long* _change_value
    cdef long long* _change_instance
    cdef Py_ssize_t _row_capacity
    cdef Py_ssize_t _change_capacity
    cdef long long _rows
    cdef long long _changes
    cdef long long _touched
    cdef long long _most_touched
    cdef long long _converted
    cdef long long _converted_tag

    @cython.locals(layout=object, owner=list, slots=Py_ssize_t, most=Py_ssize_t)
    cdef _own_layout(self, object layout)
    cpdef long long intern(self, str text) except -1
    cdef void _forget_texts(self, long long count) except *
    cpdef bint heard(self, long long topic)
    @cython.locals(row="long long")
    cpdef list rows(self)
    @cython.locals(number="long long")
    cpdef list changes(self)
    @cython.locals(slots="Slot*", number="long long")
    cdef void _assign(self, long long slot, long long value, long long tag, long long pc) noexcept
    @cython.locals(number="long long", before="long long", tag="long long")
    cdef bint _differs(self, long long slot) noexcept
    @cython.locals(
        kind="long long", first="long long", number="long long", folded="long long", units=int128)
    cdef int _convert(self, long long meta, long long tag, long long value) except -1
    @cython.locals(kind="long long")
    cdef long long _scalar_tag(self, long long meta, long long slot) noexcept
    @cython.locals(kind="long long")
    cdef long long _scalar_value(self, long long meta, long long slot) except? -99
    cdef str _shown(self, long long meta, long long slot)
    @cython.locals(row="long long")
    cdef void _emit(
        self, long long topic, long long tag, long long value, long long module, long long cause,
        long long pc, long long depth, long long instance) except *
    @cython.locals(number="long long")
    cdef void _change(
        self, long long row, long long slot, long long tag, long long value, long long instance) except *
    @cython.locals(owner=list)
    cdef void _own_rows(self, Py_ssize_t capacity) except *
    @cython.locals(owner=list)
    cdef void _own_changes(self, Py_ssize_t capacity) except *
