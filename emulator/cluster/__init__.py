"""The cluster in a box: images made from Debian packages where none can be pulled, and a container with Slurm."""
