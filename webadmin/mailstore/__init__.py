"""What is kept: folders, messages, contents. Schema only; the engine writes these tables."""
