"""What a queue service and its clients say to each other over HTTP, each thing once."""
