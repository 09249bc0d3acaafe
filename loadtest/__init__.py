"""Load, replay of real events, faults and kills, all of it from outside."""
