"""Events in, user state and learned models out."""
