"""The whole campaign of real faults and large cells: ``python -m tests.live.campaign`` runs it and writes its page."""
