"""The demonstration: a whole conversation on the virtual card, with figures, a WAV and a picture at its end."""
