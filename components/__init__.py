"""What a view shows: each component is a Python function, and where it needs one, a front end beside it."""
