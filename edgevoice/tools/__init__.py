"""What the model may do: the tools, their description for the service, and what runs them."""
