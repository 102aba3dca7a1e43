"""The page: layout, skeleton figures and the assets that keep them moving."""
