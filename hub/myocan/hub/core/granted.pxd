from myocan.hub.core.machine cimport Machine
from myocan.hub.core.native cimport *

cdef class Granted(Machine):
    pass
