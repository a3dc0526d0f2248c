"""The developers' pages: keys, what they were used for, examples with this address, webhooks and what became of them."""
