"""The network detector, experimental: a small U-Net on physics features, taught by simulated weather alone.

``features`` turns a frame into what the network sees, ``gate`` says where that resembles what it has learned from, ``session`` runs the
weights, ``detector`` puts them together and falls back to physics elsewhere. ``recipe``, ``windows``, ``variation``, ``unet``,
``training`` and ``export`` make the weights; only they import torch.
"""

from engine.fog.network.detector import NetworkDetector

__all__ = ["NetworkDetector"]
