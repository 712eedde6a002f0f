"""What the model may do in the room: the tools, their description for the service, and what runs them."""
