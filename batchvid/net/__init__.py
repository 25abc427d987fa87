"""The only client socket, with its address filter and credentials."""
