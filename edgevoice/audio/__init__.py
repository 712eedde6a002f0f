"""Sound: PyAudio callbacks at the edge, the pre-roll and the playout buffer behind them."""
