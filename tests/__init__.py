"""Tests mirror the packages; shared builders and the referee stand at the top."""
