"""autolog: one line, and every call of the known libraries is recorded."""
