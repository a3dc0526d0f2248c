"""The form on Create: its fields are drawn from what the chosen engine can do.

generation  the form: draws, checks, makes the request     fields  a field for each kind of parameter, and words for choices
inputs      the files that it starts from                  quoting a price while somebody is still typing
"""

from studio.generation.forms.generation import GenerationForm
from studio.generation.forms.quoting import quotable

__all__ = ["GenerationForm", "quotable"]
