"""What re-indexing costs and loses: searches during builds and switches, kills, changes, workers.

Every part runs the real commands as processes of their own, and compares with what it measures in
the same run.
"""
