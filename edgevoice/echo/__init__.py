"""Echo: removes what the speaker plays from what the microphone hears, and separates the talker from the box."""
