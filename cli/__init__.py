"""The command line: arguments, processes and what a person sees of them."""
