"""The pure core: what one event means for one customer. No clock, network, randomness, asyncio, temporalio, YAML or
parsing.
"""
