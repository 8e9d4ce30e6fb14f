"""State models of this house, in Python. This version of the hub does not read them yet."""
