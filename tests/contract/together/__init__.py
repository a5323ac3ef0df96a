"""Where services meet: what one of them keeps from a user, no other may give away."""
