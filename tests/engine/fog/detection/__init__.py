"""Detection of fog or very low stratus."""
