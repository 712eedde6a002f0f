"""What tests, measures and shows the box: a virtual sound card, and what runs on it. The daemon never imports it."""
