"""The parts of the Explore page: what is asked (left), the map and time (middle), the answer (right)."""
