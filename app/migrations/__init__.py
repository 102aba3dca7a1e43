"""The history of the schema, one module a step. A released step is never edited."""
