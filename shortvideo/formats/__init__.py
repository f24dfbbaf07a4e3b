"""How moments look on the desk: sortable, short, the same in every language."""
