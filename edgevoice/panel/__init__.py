"""The box's face: lights, buttons, the amplifier's mute pin, and what stands in for them where there are no pins."""
