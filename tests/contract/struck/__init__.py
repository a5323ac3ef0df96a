"""What scenarios do to requests and tokens: through the real gate, on a served port, as clients see it."""
