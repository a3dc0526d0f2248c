"""How much a prompt may ask of the machine. Beyond any of these it ends with a `PromptSyntaxError`."""

MAX_TEXT = 20_000
"""Characters of a text as typed: twice what any engine takes, since most of a text with alternatives is left out."""
MAX_OUTPUT = 20_000
"""Characters of a resolved prompt. An engine's own limit is smaller and belongs to the form."""
MAX_NESTING = 10
"""Alternatives inside alternatives."""
MAX_LISTS = 8
"""Wildcards inside the lines of wildcards."""
MAX_TAKEN = 100
"""How many of its alternatives one pair of braces may take."""
MAX_STEPS = 50_000
"""Pieces of text and alternatives that are looked at for one result. A text of the largest size has about 13,000 pieces."""
MAX_BITS = 13_000
"""Of a number of combinations. It has less than 4,000 digits, so Python writes it out (`sys.get_int_max_str_digits` is 4,300)."""
