"""Echo: what the speaker plays is taken out of what the microphone hears; the talker is told from the box itself."""
