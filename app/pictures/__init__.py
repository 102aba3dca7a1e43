"""Panels as still pictures by address: SVG and PNG without a browser."""
