"""Everything that people run at a desk: the command line, flashing, the virtual board.

The one idea to know: tools stand at the end of every arrow. They may use the hub, the edge and the
wire format; nothing else may use them, so a hub or a board never needs this package.
"""
