"""The library interface: the box's conversation for programs, without a microphone, a speaker or pins of its own."""
