"""The fast bindings, on bindings in miniature."""
