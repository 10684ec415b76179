"""The open questions, as data: where the documentation is silent or contradicts itself, and how each is asked."""
