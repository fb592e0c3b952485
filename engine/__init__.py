"""The machine room: imagery, encoders, index, labels, fog, learning, evaluation; scriptable alone."""

import os

# Threads that wait for one another sleep instead of spinning: with anything else running on the cores, spinning ones
# cost a multiple (embedding on two busy cores: 100–140 tiles a second, against 350–370). Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
