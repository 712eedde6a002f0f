"""What the embedded service understands and answers: commands in, words out. No sound."""
