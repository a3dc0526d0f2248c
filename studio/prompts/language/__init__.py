r"""The language of prompts: fields, alternatives and wildcards.

    {product}                 a field, where the template has one of this name
    {red|green|}              one of these; an option may be empty
    {0.5::red|2::green}       with odds; without any an option has 1, and with 0 it is never taken
    {2$$red|green|blue}       two of them, in the order in which they are written, joined by a comma
    {1-3$$red|green|blue}     from one to three of them
    {2$$ and $$red|green}     with a joiner of its own
    __colour__                a line of the wildcard "colour"; lines may hold alternatives and other wildcards
    {2$$__colour__}           two lines of it
    \{ \} \| \_ \\            the sign itself

All of it may be nested. Everything else is words, weights `(red:1.2)` included: those belong to the backends. Which of them a picture
gets is decided by its seed, the same for ever. This room knows neither the database nor Django.
"""

from studio.prompts.language.composing import compose, composed
from studio.prompts.language.counting import count
from studio.prompts.language.errors import PromptSyntaxError
from studio.prompts.language.lists import lines
from studio.prompts.language.parsing import Prompt, is_wildcard_name, parse
from studio.prompts.language.resolving import Kind, Part, Resolved, every, resolve

__all__ = [
    "Kind",
    "Part",
    "Prompt",
    "PromptSyntaxError",
    "Resolved",
    "compose",
    "composed",
    "count",
    "every",
    "is_wildcard_name",
    "lines",
    "parse",
    "resolve",
]
