"""Drills: an installation with docker-compose.yml keeps its promises under load."""
