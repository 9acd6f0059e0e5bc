"""Right answers to the exercises on truncation (lesson 05), written as people write them."""

RIGHT: dict[str, list] = {}
