"""Tests of engine.encoders."""
