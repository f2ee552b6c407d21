"""The simulator's side of HTTP: messages, routes, arguments, delivery."""
