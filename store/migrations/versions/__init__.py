"""One file a revision. Expand first, contract in a later release: build n runs on schema n + 1."""
