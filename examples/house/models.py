"""State models of this house, in Python: typed state that rules and boards share. It has none."""
