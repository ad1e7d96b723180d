"""What the customer workflow asks of the world: mails, cards, invites, tasks and records, each behind the ledger."""
