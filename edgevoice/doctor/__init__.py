"""The doctor: probes facts about a box, then judges them; every finding that is not fine comes with a remedy."""
