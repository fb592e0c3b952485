"""Sentences for pictures that have only boxes or label rasters, as RemoteCLIP makes them.

``dota``, ``coco`` and ``raster`` read annotations as ``boxes``; ``masks`` turns label rasters into boxes (mask-to-box),
``sentences`` boxes into sentences (box-to-caption) in the ``english`` of the ``classes``; ``duplicates`` keeps near copies
out; ``files`` finds what belongs together; ``writing`` does it all and writes ``captions.json``; ``command`` is
``python -m engine captions``.

Source: Liu et al. 2024, "RemoteCLIP: A Vision Language Foundation Model for Remote Sensing", section III.
"""
