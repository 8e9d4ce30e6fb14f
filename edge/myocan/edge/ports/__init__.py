"""What people wire to a board: one file for each kind, loaded only when it is used."""
