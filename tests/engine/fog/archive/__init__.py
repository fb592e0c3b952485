"""Tests of the public archives."""
