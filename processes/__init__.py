"""What servers, flows and deliverers have in common as processes."""
