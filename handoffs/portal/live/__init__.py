"""The live console: what is open now, who is stuck, and how to free them."""
