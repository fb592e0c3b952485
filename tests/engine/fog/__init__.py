"""Fog: cubes, sun, detection, pictures."""
