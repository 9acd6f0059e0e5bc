"""Ways to cut, save, check and look at a gradient."""
