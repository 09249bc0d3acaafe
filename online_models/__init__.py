"""What learns one event at a time: users, features, models. Does no I/O."""
