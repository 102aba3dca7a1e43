"""Composition and everything a user touches: settings, engine loop, REST, push, page, alerts."""
