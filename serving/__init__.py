"""The HTTP side: takes events in and answers questions, inside the latency budget."""
