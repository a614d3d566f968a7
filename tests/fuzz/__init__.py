"""Fuzzing: one target for each parser, one sentence of invariant each; seeds are transcripts and messages."""
