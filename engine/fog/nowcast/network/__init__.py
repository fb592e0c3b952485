"""A small network for the next two hours: optical flow says where clouds go, the network how they change on the way.

``sight`` is what it sees, ``learned`` runs the weights and says where they may not be asked. ``recipe``, ``windows`` and ``training``
make the weights from SYNTHETIC weather alone; only they import torch.
"""
