"""What every process agrees on: settings, events, key layout. Does no I/O."""
