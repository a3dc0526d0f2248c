"""A stand-in for Stripe: its API over real HTTP, as far as the studio uses it, a hosted pay page, and signed webhooks. See README.md."""
