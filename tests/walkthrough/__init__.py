"""Runs the commands of the installation pages as a newcomer types them, on a cluster of their own."""
