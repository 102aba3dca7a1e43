"""What holds for every test: a busy machine breaks no law, so examples have no deadline."""

from hypothesis import settings

settings.register_profile("gammaflip", parent=settings.default, deadline=None)
settings.load_profile("gammaflip")
