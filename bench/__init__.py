"""Figures: what the product costs beside the barest thing that does the same. `docs/benchmarks.md` reads them."""
