"""Tables in, tables out: what can be computed from a catalogue's own rows."""
