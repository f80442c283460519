"""How the command line writes: numbers, tables, trees of spans, conversations."""
