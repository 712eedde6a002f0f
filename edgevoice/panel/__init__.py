"""Panel: lights, buttons, the amplifier's mute pin, and substitutes for them where there are no pins."""
