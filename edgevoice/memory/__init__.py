"""What a box or an agent remembers from one conversation to the next. Nothing is written unless memory is enabled."""
