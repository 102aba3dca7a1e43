"""A local exchange that speaks the Deribit protocol: demo, replay, load and faults."""
