"""Measuring encoders by the protocols of the literature.

``datasets`` reads what is measured on; ``zero_shot``, ``neighbours``, ``probe``, ``retrieval``, ``counting``, ``ndcg``,
``word_order`` and ``reliability`` hold one measure each, on vectors alone; ``suites`` joins data, encoder and measure
into a ``report``; ``published`` holds the figures of papers; ``command`` is ``python -m engine evaluate``.
"""
