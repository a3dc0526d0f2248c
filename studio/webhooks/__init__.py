"""News for programs: written in the transaction that they report, delivered at least once, signed as Standard Webhooks says."""
