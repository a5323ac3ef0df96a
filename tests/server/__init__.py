"""The embedded server as its clients see it: curl, requests and raw sockets, plain and TLS."""
